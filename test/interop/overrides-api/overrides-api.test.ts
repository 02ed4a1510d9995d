import { spawn } from 'node:child_process';
import { constants, generateKeyPairSync, privateDecrypt, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test, describe } from 'vitest';
import { z } from 'zod';
import { operatorCheck } from '../../../src/api/operator-gate.ts';
import { OverrideBook } from '../../../src/api/overrides/book.ts';
import { createOverridesApi } from '../../../src/api/overrides/index.ts';
import { localSnaps } from '../../../src/api/overrides/local-snaps.ts';
import { StoreAdmins } from '../../../src/api/overrides/store-admins.ts';
import { newOutside, snapIdOf } from '../../workflows/carried-store.ts';
import { pythonTools } from '../../support/python-tools.ts';

const tools = await pythonTools();
const LOCATION = 'login.example:8444';
const HOUR_MS = 3_600_000;
const issuedSchema = z.strictObject({ macaroon: z.string() });
const secretSchema = z.strictObject({ secret: z.string(), version: z.literal(1) });

/** A store with the snaps of the journey, a single-sign-on server that it knows, and Becky as its admin. */
async function site() {
  const { host } = await newOutside().then(async (outside) => {
    await outside.publishJourney();
    return outside;
  });
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { database, settings } = host;
  const set = (key: string, value: string) =>
    settings.change(new Map([[key, { value, secret: false }]]), new Date());
  await set('proxy.sso.location', `https://${LOCATION}`);
  await set('proxy.admin-emails', '["becky@example.com"]');
  const isOperator = operatorCheck('operator-token');
  const clock = () => new Date();
  const random = (size: number) => new Uint8Array(randomBytes(size));
  const admins = new StoreAdmins({ settings, isOperator, clock, random });
  const overrides = new OverrideBook({ database, source: localSnaps(database.queries), clock });
  const app = createOverridesApi({ overrides, admins, report: (error) => console.error(error) });
  const ask = async (method: string, path: string, authorization?: string, body?: unknown) =>
    app.request(`http://store.example${path}`, {
      method,
      headers: {
        'x-ubuntu-series': '16',
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { ask, set, useSso: () => set('proxy.sso.public.key', pem), privateKey };
}

/** What pymacaroons says; the first line. */
async function python(input: object): Promise<string> {
  const child = spawn('python3', [join(import.meta.dirname, 'discharge.py')], {
    env: tools.folder === undefined ? process.env : tools.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(input));
  return (await text(child.stdout)).trim();
}

const inAnHour = () => `expires|${new Date(Date.now() + HOUR_MS).toISOString().replace(/Z$/, '')}`;
const account = (email: string, isVerified = true) =>
  `account|${Buffer.from(JSON.stringify({ openid: 'x', email, displayname: 'B', username: 'b', is_verified: isVerified })).toString('base64')}`;
const becky = account('Becky@example.com');

const stable = { snap_name: 'my-app', revision: 2, channel: 'stable', series: '16' };
const made = {
  snap_id: snapIdOf('my-app'),
  snap_name: 'my-app',
  revision: 2,
  upstream_revision: 1,
  channel: 'stable',
  architecture: 'amd64',
  series: '16',
};

describe.skipIf(tools.folder === undefined)("the overrides' API with a client made of pymacaroons", () => {
  test('lets an admin in whose single-sign-on server vouches for him, and nobody else', async () => {
    const { ask, set, useSso, privateKey } = await site();
    expect((await ask('POST', '/v2/auth/issue-store-admin')).status).toBe(503);
    await useSso();
    const answer = await ask('POST', '/v2/auth/issue-store-admin');
    const { macaroon: root } = issuedSchema.parse(await answer.json());
    const { secret } = secretSchema.parse(JSON.parse(await python({ root, location: LOCATION })));
    const options = { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING };
    const key = privateDecrypt(options, Buffer.from(secret, 'base64')).toString('hex');
    const header = (over: object = {}) =>
      python({ root, location: LOCATION, key, caveats: [becky, inAnHour()], ...over });
    const list = async (authorization: string) => ask('GET', '/v2/metadata/overrides/my-app', authorization);

    const good = await header();
    const set2 = await ask('POST', '/v2/metadata/overrides', good, [stable]);
    expect(set2.headers.get('content-type')).toBe('application/json');
    expect(await set2.json()).toEqual({ overrides: [made] });
    expect(await (await list(good)).json()).toEqual({ overrides: [made] });

    const expired = await list(await header({ caveats: [becky, 'expires|2020-01-01T00:00:00.000000'] }));
    expect(expired.status).toBe(401);
    expect(expired.headers.get('www-authenticate')).toBe('Macaroon needs_refresh=1');
    for (const [over, status] of [
      [{ caveats: [account('mallory@example.com'), inAnHour()] }, 403],
      [{ caveats: [account('becky@example.com', false), inAnHour()] }, 403],
      [{ caveats: [inAnHour()] }, 401],
      [{ caveats: [becky, 'unheard_of|1'] }, 401],
      [{ bind: false }, 401],
      [{ key: '00'.repeat(32) }, 401],
      // A macaroon can be narrowed by whoever holds it.
      [{ narrow: 'airlock|package|["other"]' }, 403],
      [{ narrow: 'airlock|expires|2020-01-01T00:00:00.000Z' }, 401],
    ] as const)
      expect([over, (await list(await header(over))).status]).toEqual([over, status]);
    expect((await list(good.replace(/, discharge.*/, ''))).status).toBe(401);

    const removed = await ask('POST', '/v2/metadata/overrides', good, [{ ...stable, revision: null }]);
    expect(await removed.json()).toEqual({ overrides: [{ ...made, revision: null }] });
    await set('proxy.admin-emails', '[]');
    expect((await list(good)).status).toBe(403);
  });
});

test("the overrides' API takes the operator's token too, and refuses what the documents do not allow", async () => {
  const { ask } = await site();
  const operator = 'Bearer operator-token';
  const answer = await ask('POST', '/v2/metadata/overrides', operator, [stable]);
  expect(await answer.json()).toEqual({ overrides: [made] });
  for (const [body, status] of [
    [[], 400],
    [[{ ...stable, series: '18' }], 400],
    [[{ ...stable, extra: 1 }], 400],
    [[{ ...stable, revision: 0 }], 400],
    [[{ ...stable, channel: 'a/b/c/d' }], 400],
    [
      [
        { ...stable, revision: null },
        { ...stable, revision: 77 },
      ],
      404,
    ],
    [[{ ...stable, snap_name: 'absent' }], 404],
  ] as const)
    expect([body, (await ask('POST', '/v2/metadata/overrides', operator, body)).status]).toEqual([
      body,
      status,
    ]);
  const listed = await ask('GET', '/v2/metadata/overrides/my-app', operator);
  expect(await listed.json()).toEqual({ overrides: [made] });
  expect((await ask('GET', '/v2/metadata/overrides/my-app')).status).toBe(401);
  expect((await ask('GET', '/v2/metadata/overrides/my-app', 'Bearer guess')).status).toBe(401);
});
