import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceSecret } from '../../../src/api/device/index.ts';
import { raiseGeneration } from '../../../src/storage/index.ts';
import { newSigner } from '../../support/brand-chain.ts';
import { Client } from './client.ts';
import { freshNonce, makeWorld, sessionTexts, type World } from './world.ts';

const DAY = 24 * 60 * 60 * 1000;
let world: World;
let secrets: DeviceSecret[];

beforeEach(async () => {
  secrets = [{ secret: randomBytes(32), until: undefined }];
  world = await makeWorld({ deviceSecrets: async () => secrets });
  await world.addSnap({ name: 'agent', storeId: 'acme-store', private: true });
});

afterEach(async () => {
  const { mistakes } = world;
  await world.close();
  if (mistakes.length > 0) throw new Error('the store made a mistake', { cause: mistakes[0] });
});

async function post(texts: object): Promise<{ status: number; code: string }> {
  const reply = await fetch(`${world.url}/api/v1/snaps/auth/sessions`, {
    method: 'POST',
    body: JSON.stringify(texts),
  });
  const body: unknown = await reply.json();
  expect(reply.headers.get('content-type')).toBe('application/json');
  return { status: reply.status, code: /"code":"([^"]*)"/.exec(JSON.stringify(body))?.[1] ?? '' };
}

const sees = async (session: string): Promise<number> =>
  (await new Client(world, session).ask('/v2/snaps/info/agent')).status;

describe('a device session', () => {
  it('opens the brand’s snaps, and is remembered with the device', async () => {
    expect(await sees(await world.session(world.acme))).toBe(200);
    const devices = await world.database.queries.selectFrom('Device').selectAll().execute();
    expect(devices).toMatchObject([
      { brandId: 'acme', modelName: 'acme-model', serial: 'acme-0001', storeId: 'acme-store' },
    ]);
  });

  it('takes a nonce once, whoever is first', async () => {
    const texts = await sessionTexts(world.url, world.acme);
    const outcomes = await Promise.all([post(texts), post(texts), post(texts), post(texts)]);
    expect(outcomes.map((each) => each.status).sort()).toEqual([200, 400, 400, 400]);
    expect(outcomes.filter((each) => each.status === 400).every((each) => each.code === 'nonce-spent')).toBe(
      true,
    );
  });

  it('takes a nonce in its time only', async () => {
    const texts = await sessionTexts(world.url, world.acme);
    world.now = new Date(world.now.getTime() + 301_000);
    expect(await post(texts)).toEqual({ status: 400, code: 'nonce-expired' });
  });

  it.each([
    ['a nonce of nobody', 'nonce-unknown', () => sessionTexts(world.url, world.acme, 'made-up')],
    [
      'a nonce spelled otherwise',
      'nonce-unknown',
      async () => sessionTexts(world.url, world.acme, `${await freshNonce(world.url)}=`),
    ],
    [
      'another device’s key',
      'session-request-signature',
      () => sessionTexts(world.url, { ...world.acme, device: newSigner() }),
    ],
    [
      'another brand’s model',
      'session-request-mismatch',
      () => sessionTexts(world.url, { ...world.acme, model: world.globex.model }),
    ],
    [
      'a serial that somebody else signed',
      'serial-untrusted',
      async () =>
        sessionTexts(world.url, {
          ...world.acme,
          serial: await world.serialOf(world.acme, 'acme-0001', world.acme.device, newSigner()),
        }),
    ],
    [
      'a serial that another brand’s key signed',
      'serial-untrusted',
      async () =>
        sessionTexts(world.url, {
          ...world.acme,
          serial: await world.serialOf(world.acme, 'acme-0001', world.acme.device, world.globex.serials),
        }),
    ],
    [
      'the store of another brand',
      'store-not-of-brand',
      async () =>
        sessionTexts(world.url, {
          ...world.acme,
          model: await world.acme.chain.model('acme-model', { store: 'globex-store' }),
        }),
    ],
    [
      'a store that is not here',
      'store-unknown',
      async () =>
        sessionTexts(world.url, {
          ...world.acme,
          model: await world.acme.chain.model('acme-model', { store: 'nowhere' }),
        }),
    ],
  ])('is not given for %s', async (_, code, texts) => {
    const outcome = await post(await texts());
    expect(outcome.code).toBe(code);
    expect([400, 403]).toContain(outcome.status);
  });

  it('is not given for assertions that are broken, swapped or missing', async () => {
    const good = await sessionTexts(world.url, world.acme);
    const { 'serial-assertion': serial, 'model-assertion': model } = good;
    for (const change of [
      { 'serial-assertion': model },
      { 'model-assertion': serial },
      { 'serial-assertion': serial.slice(0, -40) },
      { 'serial-assertion': serial.replace('acme-0001', 'acme-0002') },
      { 'device-session-request': '' },
      { 'device-session-request': 'type: device-session-request\n\n' },
      { 'model-assertion': 7 },
      { 'model-assertion': undefined },
    ]) {
      const { status } = await post({ ...good, ...change });
      expect([400, 403]).toContain(status);
    }
    expect((await post(good)).status).toBe(200);
  });

  it('serves to its end and not longer', async () => {
    const session = await world.session(world.acme);
    world.now = new Date(world.now.getTime() + 7 * DAY - 1000);
    expect(await sees(session)).toBe(200);
    world.now = new Date(world.now.getTime() + 2000);
    expect(await sees(session)).toBe(401);
  });

  it('asks to be renewed in a refresh answer from its soft end on', async () => {
    const client = new Client(world, await world.session(world.acme));
    expect((await client.refresh([]))['error-list']).toEqual([]);
    world.now = new Date(world.now.getTime() + DAY);
    const reply = await client.refresh([{ action: 'install', 'instance-key': 'i', name: 'agent' }]);
    expect(reply['error-list']).toMatchObject([{ code: 'device-authorization-needs-refresh' }]);
    expect(reply.results).toMatchObject([{ result: 'install' }]);
  });

  it('outlives a rotation of the secret for the grace period', async () => {
    const session = await world.session(world.acme);
    const until = new Date(world.now.getTime() + DAY);
    const [old] = secrets;
    secrets = [
      { secret: randomBytes(32), until: undefined },
      { secret: old?.secret ?? randomBytes(32), until },
    ];
    await world.database.transaction((queries) => raiseGeneration(queries, 'settings'));
    expect(await sees(session)).toBe(200);
    expect(await sees(await world.session(world.acme))).toBe(200);
    world.now = until;
    expect(await sees(session)).toBe(401);
  });

  it('ends at once when the old secret is dropped', async () => {
    const session = await world.session(world.acme);
    expect(await sees(session)).toBe(200);
    secrets = [{ secret: randomBytes(32), until: undefined }];
    await world.database.transaction((queries) => raiseGeneration(queries, 'revocations'));
    expect(await sees(session)).toBe(401);
  });

  it.each([
    ['serial', 'acme-model/acme-0001'],
    ['model', 'acme-model'],
    ['device-key', undefined],
  ])(
    'ends with the next request when a block is put on its %s, and comes back when it is taken off',
    async (kind, subject) => {
      const session = await world.session(world.acme);
      expect(await sees(session)).toBe(200);
      const row = {
        kind,
        brandId: 'acme',
        subject: subject ?? world.acme.device.publicKey.keyId,
        reason: 'stolen',
        createdAt: world.now.toISOString(),
        createdBy: 'operator',
      };
      await world.change((queries) => queries.insertInto('Block').values(row).execute());
      expect(await sees(session)).toBe(401);
      await expect(world.session(world.acme)).rejects.toThrow(/403.*device-blocked/);
      await world.change((queries) => queries.deleteFrom('Block').execute());
      expect(await sees(session)).toBe(200);
    },
  );

  it('is never answered by 401 on its own way, whatever old session comes along', async () => {
    const headers = { 'x-device-authorization': 'Macaroon root="bogus"' };
    const nonce = await fetch(`${world.url}/api/v1/snaps/auth/nonces`, { method: 'POST', headers });
    expect(nonce.status).toBe(200);
    const texts = await sessionTexts(world.url, world.acme);
    const reply = await fetch(`${world.url}/api/v1/snaps/auth/sessions`, {
      method: 'POST',
      headers,
      body: JSON.stringify(texts),
    });
    expect(reply.status).toBe(200);
  });

  it('cannot be had before device authentication is activated; what is public still can', async () => {
    await world.addSnap({ name: 'hello', storeId: 'ubuntu' });
    secrets = [];
    await world.database.transaction((queries) => raiseGeneration(queries, 'settings'));
    const reply = await fetch(`${world.url}/api/v1/snaps/auth/nonces`, { method: 'POST' });
    expect(reply.status).toBe(503);
    expect(reply.headers.get('x-oops-id')).toMatch(/^[\w-]{8,}$/);
    world.mistakes.splice(0);
    expect((await new Client(world).ask('/v2/snaps/info/hello')).status).toBe(200);
  });

  it('can be had soon after device authentication was activated, without a word to this process', async () => {
    const [kept] = secrets;
    secrets = [];
    await world.database.transaction((queries) => raiseGeneration(queries, 'settings'));
    await fetch(`${world.url}/api/v1/snaps/auth/nonces`, { method: 'POST' });
    world.mistakes.splice(0);
    secrets = kept === undefined ? [] : [kept];
    const open = async () =>
      (await fetch(`${world.url}/api/v1/snaps/auth/nonces`, { method: 'POST' })).status;
    await expect.poll(open, { timeout: 10_000 }).toBe(200);
    world.mistakes.splice(0);
  });
});
