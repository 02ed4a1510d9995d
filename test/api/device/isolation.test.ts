import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignJWT } from 'jose';
import { formatTimestamp, hexToSnapSha3, signAssertion } from '../../../src/assertions/index.ts';
import { addAssertions } from '../../../src/storage/index.ts';
import { makeWorld, snapIdOf, type World } from './world.ts';
import { newSigner } from '../../support/brand-chain.ts';

/** The snap of brand globex that nobody else may learn of, and a snap that does not exist at all. */
const SECRET = 'globex-agent';
const ABSENT = 'nobodys-agent';

let world: World;

/** Every kind of client but globex's own devices. */
const visitors = [
  'no session',
  'brand acme',
  'expired',
  'revoked session',
  'forged',
  'foreign secret',
  'blocked serial',
] as const;
type Visitor = (typeof visitors)[number];
const sessions = new Map<Visitor | 'globex', string>();

/** Every way to name a snap, on every route. */
interface Subject {
  readonly name: string;
  readonly snapId: string;
  readonly digest: string;
}
type Call = (subject: Subject) => {
  readonly path: string;
  readonly body?: unknown;
  readonly method?: string;
};
const calls: Record<string, Call> = {
  'info by name': ({ name }) => ({ path: `/v2/snaps/info/${name}?fields=channel-map` }),
  'install by name': ({ name }) => ({
    path: '/v2/snaps/refresh',
    body: { context: [], actions: [{ action: 'install', 'instance-key': 'i', name, channel: 'stable' }] },
  }),
  'install of a revision': ({ name }) => ({
    path: '/v2/snaps/refresh',
    body: { context: [], actions: [{ action: 'install', 'instance-key': 'i', name, revision: 1 }] },
  }),
  'download by id': ({ snapId }) => ({
    path: '/v2/snaps/refresh',
    body: { context: [], actions: [{ action: 'download', 'instance-key': 'i', 'snap-id': snapId }] },
  }),
  'refresh by id': ({ snapId }) => ({
    path: '/v2/snaps/refresh',
    body: {
      context: [
        {
          'snap-id': snapId,
          'instance-key': snapId,
          revision: 1,
          'tracking-channel': 'latest/edge',
          epoch: { read: [0], write: [0] },
        },
      ],
      actions: [{ action: 'refresh', 'instance-key': snapId, 'snap-id': snapId }],
    },
  }),
  'fetch-assertions': ({ snapId, digest }) => ({
    path: '/v2/snaps/refresh',
    body: {
      context: [],
      actions: [
        {
          action: 'fetch-assertions',
          key: 'group',
          assertions: [
            { type: 'snap-declaration', 'primary-key': ['16', snapId] },
            { type: 'snap-revision', 'primary-key': [hexToSnapSha3(digest)] },
          ],
        },
      ],
    },
  }),
  'find by words': ({ name }) => ({ path: `/v2/snaps/find?q=${name}` }),
  'find by prefix': ({ name }) => ({ path: `/v2/snaps/find?name=${name.slice(0, 4)}` }),
  'find private': () => ({ path: '/v2/snaps/find?private=true' }),
  'find by category': () => ({ path: '/v2/snaps/find?category=utilities' }),
  names: () => ({ path: '/api/v1/snaps/names' }),
  sections: () => ({ path: '/api/v1/snaps/sections' }),
  categories: () => ({ path: '/v2/snaps/categories' }),
  cohorts: ({ name }) => ({ path: '/v2/cohorts', body: { snaps: [name] } }),
  'snap file': ({ snapId }) => ({ path: `/api/v1/snaps/download/${snapId}_1.snap` }),
  'snap file, HEAD': ({ snapId }) => ({ path: `/api/v1/snaps/download/${snapId}_1.snap`, method: 'HEAD' }),
  'delta file': ({ snapId }) => ({ path: `/api/v1/snaps/download/${snapId}_1_2_xdelta3.delta` }),
  'component file': ({ snapId }) => ({ path: `/api/v1/snaps/download/${snapId}+part_1.comp` }),
  icon: ({ snapId, digest }) => ({ path: `/api/v1/snaps/icons/${snapId}_${digest}_${'0'.repeat(32)}.icon` }),
  declaration: ({ snapId }) => ({ path: `/v2/assertions/snap-declaration/16/${snapId}?max-format=7` }),
  'snap-revision': ({ digest }) => ({
    path: `/v2/assertions/snap-revision/${hexToSnapSha3(digest)}?max-format=0`,
  }),
  'assertion stream': ({ snapId }) => ({
    path: `/v2/assertion-streams/${Buffer.from(JSON.stringify([['snap-declaration', ['16', snapId], 7]])).toString('base64url')}`,
  }),
  model: ({ name }) => ({
    path: `/v2/assertions/model/16/${name.replace('-agent', '')}/${name.replace('-agent', '')}-model`,
  }),
  serial: ({ name }) => ({
    path: `/v2/assertions/serial/${name.replace('-agent', '')}/${name.replace('-agent', '')}-model/${name.replace('-agent', '')}-0001`,
  }),
  store: ({ name }) => ({ path: `/v2/assertions/store/${name.replace('-agent', '')}-store` }),
  'validation set': ({ name }) => ({
    path: `/v2/assertions/validation-set/16/${name.replace('-agent', '')}/base-set?sequence=latest&max-format=0`,
  }),
};

async function ask(call: Call, subject: Subject, session: string | undefined, family: 'v1' | 'v2') {
  const { path, body, method } = call(subject);
  const header = family === 'v1' ? 'x-device-authorization' : 'snap-device-authorization';
  const reply = await fetch(world.url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      'snap-device-store': 'globex-store',
      'x-ubuntu-store': 'globex-store',
      ...(session !== undefined && { [header]: `Macaroon root="${session}"` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const headers = Object.fromEntries([...reply.headers].filter(([name]) => name !== 'date'));
  // What the visitor named itself may be echoed; everything else must be the same for both subjects.
  const neutral = (text: string): string =>
    text
      .replaceAll(subject.name, 'NAME')
      .replaceAll(subject.snapId, 'ID')
      .replaceAll(subject.digest, 'DIGEST')
      .replaceAll(hexToSnapSha3(subject.digest), 'DIGEST64')
      .replace(/"cohort-keys":\{.*?\}/, '"cohort-keys":{}');
  const text = await reply.text();
  return {
    status: reply.status,
    headers: { ...headers, 'content-length': '' },
    text: neutral(text),
    raw: text,
  };
}

beforeAll(async () => {
  world = await makeWorld();
  await world.addSnap({ name: 'hello', storeId: 'ubuntu' });
  await world.addSnap({ name: 'acme-agent', storeId: 'acme-store', private: true });
  await world.addSnap({
    name: SECRET,
    storeId: 'globex-store',
    private: true,
    icon: 'an icon',
    yaml: ['apps: {secret-command: {command: x}}'],
  });
  await world.sign('store', { store: 'globex-store', 'operator-id': 'globex' });
  const set = await signAssertion(
    {
      type: 'validation-set',
      headers: {
        'authority-id': 'globex',
        series: '16',
        'account-id': 'globex',
        name: 'base-set',
        sequence: '1',
        snaps: [{ name: SECRET, id: snapIdOf(SECRET), presence: 'required' }],
        timestamp: formatTimestamp(new Date('2025-01-01T00:00:00Z')),
      },
    },
    world.globex.serials,
    new Date('2025-01-01T00:00:00Z'),
  );
  await world.change((queries) => addAssertions(queries, [set, world.globex.serial], { at: world.now }));

  sessions.set('globex', await world.session(world.globex));
  sessions.set('brand acme', await world.session(world.acme));
  const start = world.now;
  world.now = new Date(start.getTime() - 30 * 24 * 60 * 60 * 1000);
  sessions.set('expired', await world.session(world.globex));
  world.now = start;
  const revoked = await world.session(world.globex);
  sessions.set('revoked session', revoked);
  sessions.set('forged', forge(await world.session(world.globex)));
  sessions.set('foreign secret', await resign(revoked));
  const device = newSigner();
  const serial = await world.serialOf(world.globex, 'globex-blocked', device);
  sessions.set('blocked serial', await world.session(world.globex, { device, serial }));
  await world.change(async (queries) => {
    const block = {
      brandId: 'globex',
      reason: 'stolen',
      createdAt: start.toISOString(),
      createdBy: 'operator',
    };
    await queries
      .insertInto('Block')
      .values([
        { kind: 'serial', subject: 'globex-model/globex-blocked', ...block },
        { kind: 'session', subject: String(payload(revoked)['jti']), ...block },
      ])
      .execute();
  });
});

afterAll(() => world.close());

function payload(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

function forge(token: string): string {
  const [head = '', , seal = ''] = token.split('.');
  const claims = { ...payload(token), ser: 'globex-0002' };
  return [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), seal].join('.');
}

function resign(token: string): Promise<string> {
  const head = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8'));
  return new SignJWT({ ...payload(token) }).setProtectedHeader(head).sign(randomBytes(32));
}

function subjects(): { secret: Subject; absent: Subject } {
  const secret = { name: SECRET, snapId: snapIdOf(SECRET), digest: world.snaps[SECRET]?.digests[0] ?? '' };
  return { secret, absent: { name: ABSENT, snapId: snapIdOf(ABSENT), digest: 'ab'.repeat(48) } };
}

describe('a snap that only brand globex may know of', () => {
  it.each(Object.keys(calls))('is there for globex’s own device: %s', async (name) => {
    const call = calls[name];
    if (
      call === undefined ||
      ['icon', 'delta file', 'component file', 'sections', 'categories'].includes(name)
    )
      return;
    const { secret, absent } = subjects();
    const seen = await ask(call, secret, sessions.get('globex'), 'v2');
    if (name === 'store' || name.startsWith('find') || name === 'names') expect(seen.raw).toContain('globex');
    else expect(seen).not.toEqual(await ask(call, absent, sessions.get('globex'), 'v2'));
  });

  describe.each(visitors)('seen by: %s', (visitor) => {
    it.each(Object.keys(calls).flatMap((name) => [[name, 'v1'] as const, [name, 'v2'] as const]))(
      'is answered as if it did not exist: %s with %s headers',
      async (name, family) => {
        const call = calls[name];
        if (call === undefined) throw new Error('no such call');
        const { secret, absent } = subjects();
        const session = sessions.get(visitor);
        const [one, other] = [
          await ask(call, secret, session, family),
          await ask(call, absent, session, family),
        ];
        expect({ ...one, raw: '' }).toEqual({ ...other, raw: '' });
        expect(one.status).toBeLessThan(500);
        const leaked = [...(world.snaps[SECRET]?.digests ?? []), 'secret-command', 'summary of globex'];
        for (const trace of leaked)
          if (!call(secret).path.includes(trace)) expect(one.raw).not.toContain(trace);
      },
    );
  });

  it('asks a client whose session does not hold to open a new one, on every route that looks at sessions', async () => {
    const { secret } = subjects();
    for (const visitor of [
      'expired',
      'revoked session',
      'forged',
      'foreign secret',
      'blocked serial',
    ] as const) {
      for (const [name, call] of Object.entries(calls)) {
        if (name === 'icon') continue;
        const seen = await ask(call, secret, sessions.get(visitor), 'v1');
        expect({ name, status: seen.status }).toEqual({ name, status: 401 });
        expect(seen.headers).toHaveProperty(
          'www-authenticate',
          expect.stringContaining('refresh_device_session=1'),
        );
      }
    }
  });

  it('gives a blocked device no new session', async () => {
    const device = newSigner();
    const serial = await world.serialOf(world.globex, 'globex-blocked', device);
    await expect(world.session(world.globex, { device, serial })).rejects.toThrow('403');
  });

  it('was never hidden by a mistake of ours', () => {
    expect(world.mistakes).toEqual([]);
  });
});
