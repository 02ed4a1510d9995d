import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  checkAccount,
  checkNameRegistration,
  checkRelease,
  checkRole,
  decideKeyRegistration,
  decideRevision,
  idFrom,
  isAccountId,
  judgeBuilds,
  parseAccountId,
  rolesAllow,
  STORE_ROLES,
  type SnapBuild,
  type StoreAct,
  type UploadedSnap,
} from '../../src/publishers/index.ts';
import { parseChannel } from '../../src/snaps/index.ts';

const isv = parseAccountId('isv');

describe('accounts', () => {
  const draft = {
    id: 'acme',
    username: 'acme',
    displayName: 'Acme',
    email: 'Ops@Acme.example',
    validation: 'verified',
  };
  test('keep their e-mail address in lower case', () =>
    expect(checkAccount(draft).email).toBe('ops@acme.example'));
  test.each([
    [{ id: 'ACME' }, 'account id'],
    [{ username: 'Acme!' }, 'username'],
    [{ username: '-acme' }, 'username'],
    [{ displayName: 'a\nb' }, 'display name'],
    [{ email: 'acme' }, 'e-mail'],
    [{ validation: 'golden' }, 'validation'],
  ])('refuse %o', (change, field) => expect(() => checkAccount({ ...draft, ...change })).toThrow(field));

  test('get ids of 32 letters and digits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 128, maxLength: 128 }), (random) => {
        fc.pre(random.filter((byte) => byte < 248).length >= 32);
        const id = idFrom(random);
        expect(id).toMatch(/^[A-Za-z0-9]{32}$/);
        expect(isAccountId(id)).toBe(true);
      }),
    );
  });
});

describe('roles', () => {
  const allowed: Record<StoreAct, readonly string[]> = {
    administer: ['admin'],
    review: ['review'],
    view: ['admin', 'review', 'view'],
    publish: ['access'],
  };
  const acts: StoreAct[] = ['administer', 'review', 'view', 'publish'];
  test.each(acts)('%s is for the documented roles', (act) => {
    expect(STORE_ROLES.filter((role) => rolesAllow([role], act))).toEqual(allowed[act]);
  });
  test('the error names the role to ask for', () => {
    expect(() => checkRole(['access'], 'view', 'main')).toThrow('needs the role Admin or Reviewer or Viewer');
  });
});

describe('snap names', () => {
  test('belong to whoever registered them first', () => {
    expect(() => checkNameRegistration('robot', isv, undefined)).not.toThrow();
    expect(() => checkNameRegistration('robot', isv, 'isv')).toThrow('you own it');
    expect(() => checkNameRegistration('robot', isv, 'other')).toThrow('somebody else');
    expect(() => checkNameRegistration('snap', isv, undefined)).toThrow('reserved');
    expect(() => checkNameRegistration('No--Name', isv, undefined)).toThrow('snap name');
  });
});

describe('key registration', () => {
  const now = new Date('2026-06-01T00:00:00Z');
  const request = {
    accountId: 'isv',
    name: 'build',
    keyId: 'K',
    since: new Date('2026-01-01'),
    until: undefined,
  };
  const key = { ...request, revoked: false };

  test('takes a new key', () => expect(decideKeyRegistration(request, 'isv', [], now)).toBe('register'));
  test('takes a name whose former key is dead', () => {
    const dead = { ...key, keyId: 'OLD' };
    expect(decideKeyRegistration(request, 'isv', [{ ...dead, revoked: true }], now)).toBe('register');
    expect(decideKeyRegistration(request, 'isv', [{ ...dead, until: now }], now)).toBe('register');
  });
  test('repeats its answer', () => expect(decideKeyRegistration(request, 'isv', [key], now)).toBe('known'));
  test.each([
    ['another account asks', request, 'other', []],
    ['the name is taken', request, 'isv', [{ ...key, keyId: 'OTHER' }]],
    ["the key is another account's", request, 'isv', [{ ...key, accountId: 'other' }]],
    ['the key was revoked', request, 'isv', [{ ...key, revoked: true }]],
    ['the key has another name', request, 'isv', [{ ...key, name: 'old' }]],
    ['the name is malformed', { ...request, name: 'My Key' }, 'isv', []],
    ['it begins in the future', { ...request, since: new Date('2027-01-01') }, 'isv', []],
    ['it has ended', { ...request, until: now }, 'isv', []],
  ] as const)('refuses when %s', (_why, asked, asking, known) => {
    expect(() => decideKeyRegistration(asked, asking, known, now)).toThrow(/^cannot /);
  });
});

describe('revision numbers', () => {
  const snap: UploadedSnap = {
    name: 'robot',
    version: '1',
    architectures: ['amd64'],
    confinement: 'strict',
    grade: 'stable',
  };
  test('grow by one and are never given twice', () => {
    const known = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { maxLength: 20 });
    fc.assert(
      fc.property(known, (numbers) => {
        const decision = decideRevision(
          'robot',
          snap,
          'new',
          numbers.map((revision) => ({ revision, sha3_384: `h${revision}` })),
        );
        expect(decision).toEqual({ kind: 'new', revision: Math.max(0, ...numbers) + 1 });
      }),
    );
  });
  test('stay with a file that comes again', () => {
    expect(decideRevision('robot', snap, 'h', [{ revision: 4, sha3_384: 'h' }])).toEqual({
      kind: 'known',
      revision: 4,
    });
  });
  test('are not given to a file of another snap', () => {
    expect(() => decideRevision('arm', snap, 'h', [])).toThrow('its snap.yaml says "robot"');
  });
});

describe('releases', () => {
  test('of unfinished snaps stay in beta and edge', () => {
    const snap = { name: 'robot', grade: 'devel', confinement: 'strict' } as const;
    const devmode = { name: 'robot', grade: 'stable', confinement: 'devmode' } as const;
    for (const risk of ['stable', 'candidate']) {
      expect(() => checkRelease(snap, parseChannel(risk))).toThrow('grade');
      expect(() => checkRelease(devmode, parseChannel(risk))).toThrow('devmode');
    }
    for (const risk of ['beta', 'edge']) expect(() => checkRelease(snap, parseChannel(risk))).not.toThrow();
  });
});

describe('the snap-build policy', () => {
  const file = { snapId: 'ID', sha3_384: 'h', size: 4096 };
  const build: SnapBuild = {
    ...file,
    authorityId: 'isv',
    grade: 'stable',
    timestamp: new Date(0),
    keyId: 'K',
    keyRevoked: false,
  };

  test('asks for nothing when it is off', () => {
    expect(judgeBuilds({ requirement: 'off' }, file, [], ['isv']).kind).toBe('satisfied');
  });
  test('holds or rejects an unsigned upload, as it says', () => {
    expect(judgeBuilds({ requirement: 'hold' }, file, [], ['isv'])).toMatchObject({
      kind: 'held',
      reason: /sign-build/,
    });
    expect(judgeBuilds({ requirement: 'reject' }, file, [], ['isv']).kind).toBe('rejected');
  });
  test('is satisfied by one good build among bad ones', () => {
    const bad = { ...build, keyRevoked: true };
    expect(judgeBuilds({ requirement: 'reject' }, file, [bad, build], ['isv'])).toEqual({
      kind: 'satisfied',
      build,
    });
  });
  test.each([
    [{ snapId: 'OTHER' }, /another snap/],
    [{ sha3_384: 'x' }, /another file/],
    [{ size: 1 }, /another file/],
    [{ authorityId: 'mallory' }, /not signed by the publisher/],
    [{ keyRevoked: true }, /revoked/],
    [{ keyId: 'L' }, /does not allow/],
  ])('is not satisfied by a build with %o', (change, reason) => {
    const verdict = judgeBuilds(
      { requirement: 'hold', keyIds: ['K'] },
      file,
      [{ ...build, ...change }],
      ['isv'],
    );
    expect(verdict).toMatchObject({ kind: 'held', reason });
  });
});
