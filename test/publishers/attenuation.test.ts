import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  addCaveat,
  attenuationOf,
  channelMatches,
  checkChannel,
  checkInForce,
  checkPermission,
  checkSnap,
  checkStore,
  formatCaveat,
  grants,
  mintToken,
  parseCaveat,
  PERMISSIONS,
  seesSnap,
  tokenDigest,
  verifyToken,
  type Caveat,
} from '../../src/publishers/index.ts';

const word = fc.string({ unit: fc.constantFrom(...'abcXYZ019-|,"*/'), minLength: 1, maxLength: 12 });
const words = fc.array(word, { maxLength: 4 });
const id = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.'), minLength: 1, maxLength: 32 });
const at = fc.date({ noInvalidDate: true, min: new Date('2000-01-01'), max: new Date('2100-01-01') });
const permissions = fc.array(fc.constantFrom(...PERMISSIONS), { maxLength: 4 });
const caveats: fc.Arbitrary<Caveat> = fc.oneof(
  permissions.map((list) => ({ condition: 'acl', permissions: list }) as const),
  words.map((names) => ({ condition: 'package', names }) as const),
  words.map((ids) => ({ condition: 'package_id', ids }) as const),
  words.map((patterns) => ({ condition: 'channel', patterns }) as const),
  words.map((ids) => ({ condition: 'store_ids', ids }) as const),
  at.map((date) => ({ condition: 'expires', at: date }) as const),
  at.map((date) => ({ condition: 'valid_since', at: date }) as const),
  id.map((text) => ({ condition: 'session_id', id: text }) as const),
  id.map((text) => ({ condition: 'account', id: text }) as const),
);
const text = (caveat: Caveat) => formatCaveat(caveat);

describe('the caveat grammar', () => {
  test('reads back what it writes', () => {
    fc.assert(
      fc.property(caveats, (caveat) => {
        expect(parseCaveat(formatCaveat(caveat))).toEqual(caveat);
      }),
    );
  });

  test.each([
    'acl|["package_push"]',
    'other|acl|["package_push"]',
    'airlock|weather|fine',
    'airlock|acl|package_push',
    'airlock|acl|["package_pull"]',
    'airlock|acl|[1]',
    'airlock|expires|tomorrow',
    'airlock|expires|2026-01-01T00:00:00+02:00',
    'airlock|account|a b',
    'airlock|channel|{"a":1}',
  ])('refuses %s', (caveat) => {
    expect(() => attenuationOf([caveat])).toThrow(/^cannot read the caveat/);
  });
});

describe('permissions', () => {
  test('are all there when no caveat limits them', () => {
    for (const permission of PERMISSIONS) expect(grants(attenuationOf([]), permission)).toBe(true);
  });

  test('only ever shrink when a caveat is added', () => {
    fc.assert(
      fc.property(fc.array(permissions, { maxLength: 3 }), permissions, (lists, more) => {
        const caveat = (list: readonly (typeof PERMISSIONS)[number][]) =>
          text({ condition: 'acl', permissions: list });
        const before = attenuationOf(lists.map(caveat));
        const after = attenuationOf([...lists, more].map(caveat));
        for (const permission of PERMISSIONS)
          if (grants(after, permission)) expect(grants(before, permission)).toBe(true);
      }),
    );
  });

  test('of a group contain its members and no more', () => {
    const manage = attenuationOf(['airlock|acl|["package_manage"]']);
    expect(grants(manage, 'package_push')).toBe(true);
    expect(grants(manage, 'modify_account_key')).toBe(false);
    expect(() => checkPermission(manage, 'store_admin')).toThrow('lacks the permission store_admin');
  });
});

describe('a credential for one snap', () => {
  const limited = attenuationOf(['airlock|package|["robot"]', 'airlock|package_id|["ROBOTID"]']);
  test('is good for that snap', () => expect(seesSnap(limited, { name: 'robot', id: 'ROBOTID' })).toBe(true));
  test.each([
    { name: 'robot', id: 'OTHER' },
    { name: 'arm', id: 'ROBOTID' },
    { name: 'robot', id: undefined },
  ])('and for no other: %o', (snap) => expect(() => checkSnap(limited, snap)).toThrow('not for the snap'));
});

describe('channels', () => {
  test.each([
    ['edge', 'edge', true],
    ['edge', 'latest/edge', true],
    ['latest/edge', 'edge', true],
    ['*/edge', '1.0/edge', true],
    ['*', '2/beta', true],
    ['1.*/stable', '1.5/stable', true],
    ['edge', 'edge/fix', false],
    ['edge', 'latest/edge/fix', false],
    ['*', 'latest/edge/fix', false],
    ['edge/*', 'edge/fix', true],
    ['edge', 'stable', false],
    ['1.0/edge', 'edge', false],
    ['1.0/edge', '1x0/edge', false],
    ['ed(ge', 'ed(ge/stable', true],
  ])('pattern %s and channel %s: %s', (pattern, channel, matches) => {
    expect(channelMatches(pattern, channel)).toBe(matches);
  });

  test('each caveat must allow the channel', () => {
    const both = attenuationOf(['airlock|channel|["edge","beta"]', 'airlock|channel|["edge"]']);
    expect(() => checkChannel(both, 'latest/edge')).not.toThrow();
    expect(() => checkChannel(both, 'beta')).toThrow('not for the channel beta');
  });
});

describe('a token', () => {
  const key = { id: 'k1', secret: Buffer.alloc(32, 1) };
  const old = { id: 'k0', secret: Buffer.alloc(32, 9) };
  const since = new Date('2026-01-01T00:00:00Z');
  const expires = new Date('2026-02-01T00:00:00Z');
  const during = new Date('2026-01-15T00:00:00Z');
  const mint = (limits: readonly Caveat[] = []) =>
    mintToken(
      { accountId: 'isv', sessionId: 's-1', validSince: since, expires, limits },
      key,
      'store.example',
    );

  test('tells its account, session and limits', () => {
    const token = verifyToken(mint([{ condition: 'store_ids', ids: ['main'] }]), [old, key], during);
    expect(token).toMatchObject({ accountId: 'isv', sessionId: 's-1', attenuation: { expires } });
    expect(() => checkStore(token.attenuation, 'other')).toThrow('not for the store other');
  });

  test('is good from its first moment until just before its last', () => {
    expect(() => verifyToken(mint(), [key], since)).not.toThrow();
    expect(() => verifyToken(mint(), [key], new Date(expires.getTime() - 1))).not.toThrow();
    expect(() => verifyToken(mint(), [key], expires)).toThrow('it has expired');
    expect(() => verifyToken(mint(), [key], new Date(since.getTime() - 1))).toThrow(
      'not valid yet; check the clocks',
    );
  });

  test('ends at the earliest end that anybody wrote in it', () => {
    const narrowed = addCaveat(mint(), text({ condition: 'expires', at: during }));
    expect(() => verifyToken(narrowed, [key], during)).toThrow('it has expired');
    const widened = addCaveat(mint(), text({ condition: 'expires', at: new Date('2030-01-01') }));
    expect(() => checkInForce(verifyToken(widened, [key], during).attenuation, expires)).toThrow(
      'it has expired',
    );
  });

  test('cannot be turned to another account or session', () => {
    for (const condition of ['account', 'session_id'] as const) {
      expect(() => verifyToken(addCaveat(mint(), text({ condition, id: 'mallory' })), [key], during)).toThrow(
        'two',
      );
    }
  });

  test('of a retired key is refused', () => {
    expect(() => verifyToken(mint(), [old], during)).toThrow('no longer in use');
  });

  test('has a digest of 96 hex digits that ignores a final line feed', () => {
    expect(tokenDigest(`${mint()}\n`)).toBe(tokenDigest(mint()));
    expect(tokenDigest(mint())).toMatch(/^[0-9a-f]{96}$/);
  });
});
