import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeStream,
  formatTimestamp,
  hexToSnapSha3,
  signAssertion,
} from '../../../src/assertions/index.ts';
import { addAssertions } from '../../../src/storage/index.ts';
import { Client } from './client.ts';
import { makeWorld, snapIdOf, type World } from './world.ts';

let world: World;
let acme: Client;
const anonymous = (): Client => new Client(world);
const agent = snapIdOf('agent');

beforeAll(async () => {
  world = await makeWorld({
    site: async () => ({
      storeId: 'this-store',
      publicUrl: undefined,
      caCertificate: '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n',
    }),
  });
  await world.addSnap({ name: 'agent', storeId: 'acme-store', private: true });
  await world.sign('snap-declaration', {
    series: '16',
    'snap-id': agent,
    'snap-name': 'agent',
    'publisher-id': 'acme',
    revision: '1',
    plugs: { 'snapd-control': { 'allow-auto-connection': { 'on-store': ['acme-store'] } } },
  });
  await world.sign('store', { store: 'this-store', 'operator-id': 'acme', url: 'http://store.example' });
  const at = new Date('2025-01-01T00:00:00Z');
  for (const sequence of ['1', '2', '10']) {
    const set = await signAssertion(
      {
        type: 'validation-set',
        headers: {
          'authority-id': 'acme',
          series: '16',
          'account-id': 'acme',
          name: 'tested',
          sequence,
          snaps: [{ name: 'agent', id: agent }],
          timestamp: formatTimestamp(at),
        },
      },
      world.acme.serials,
      at,
    );
    await world.change((queries) => addAssertions(queries, [set], { at }));
  }
  acme = new Client(world, await world.session(world.acme));
});

afterAll(() => world.close());

async function one(client: Client, path: string) {
  const reply = await client.ask(`/v2/assertions/${path}`);
  expect(reply.status).toBe(200);
  const [assertion] = decodeStream(new Uint8Array(await reply.arrayBuffer()));
  if (assertion === undefined) throw new Error('no assertion');
  return assertion;
}

describe('an assertion', () => {
  it('comes in its original bytes', async () => {
    const reply = await acme.ask(
      `/v2/assertions/snap-revision/${hexToSnapSha3(world.snaps['agent']?.digests[0] ?? '')}?max-format=0`,
    );
    const kept = await world.database.queries
      .selectFrom('StoredAssertion')
      .select('bytes')
      .where('type', '=', 'snap-revision')
      .orderBy('id')
      .executeTakeFirst();
    expect(Buffer.from(await reply.arrayBuffer()).equals(Buffer.from(kept?.bytes ?? []))).toBe(true);
    expect(reply.headers.get('content-type')).toBe('application/x.ubuntu.assertion');
  });

  it('is the newest revision whose format the device understands (seed 002)', async () => {
    expect(await one(acme, `snap-declaration/16/${agent}?max-format=7`)).toMatchObject({
      revision: 1,
      format: 3,
    });
    expect(await one(acme, `snap-declaration/16/${agent}?max-format=2`)).toMatchObject({
      revision: 0,
      format: 0,
    });
    expect(await one(acme, `snap-declaration/16/${agent}`)).toMatchObject({ revision: 1 });
  });

  it('takes its place in a sequence by number, not by text', async () => {
    const sequence = async (which: string): Promise<string> =>
      String(
        (await one(acme, `validation-set/16/acme/tested?max-format=0&sequence=${which}`)).headers['sequence'],
      );
    expect(await sequence('latest')).toBe('10');
    expect(await sequence('2')).toBe('2');
    expect((await acme.ask('/v2/assertions/validation-set/16/acme/tested?sequence=3')).status).toBe(404);
  });

  it('of an account or key is for a device that is still registering', async () => {
    expect(await one(anonymous(), 'account/acme?max-format=0')).toMatchObject({ type: 'account' });
    const key = world.acme.serials.publicKey.keyId;
    expect(await one(anonymous(), `account-key/${key}?max-format=1`)).toMatchObject({ type: 'account-key' });
  });

  it.each([
    'account/nobody?max-format=0',
    'no-such-type/x',
    'constructor/x',
    'account',
    'account/a/b/c',
    'snap-declaration/16',
    'validation-set/16/acme?sequence=latest',
    'serial-request/x',
    'account/%2e%2e%2fx',
    `account/${'x'.repeat(2000)}`,
  ])('that is absent is said so in the shape that snapd knows: %s', async (path) => {
    const reply = await anonymous().ask(`/v2/assertions/${path}`);
    expect(reply.status).toBe(404);
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(await reply.json()).toEqual({
      'error-list': [{ code: 'not-found', message: expect.any(String) }],
    });
  });

  it.each(['account/acme?max-format=x', 'account/%ff', 'validation-set/16/a/b?sequence=-1'])(
    'asked for wrongly is a bad request: %s',
    async (path) => {
      expect((await anonymous().ask(`/v2/assertions/${path}`)).status).toBe(400);
    },
  );

  it.each(['x', 'W10', '%', Buffer.from('{"a":1}').toString('base64url'), 'A'.repeat(20_000)])(
    'stream at an address of nobody’s making is not there: %s',
    async (address) => {
      const { status } = await acme.ask(`/v2/assertion-streams/${address}`);
      expect([400, 404, 431]).toContain(status);
    },
  );
});

describe('client set-up', () => {
  it('gives the store assertion after the account and keys that it stands on', async () => {
    const reply = await anonymous().ask('/v2/auth/store/assertions');
    const stream = decodeStream(new Uint8Array(await reply.arrayBuffer()));
    expect(stream.at(-1)).toMatchObject({ type: 'store', primaryKey: ['this-store'] });
    expect(stream.some((each) => each.type === 'account' && each.primaryKey[0] === 'acme')).toBe(true);
    expect(stream.some((each) => each.type === 'account-key')).toBe(true);
  });

  it('gives commands, cloud-init and the CA at one address', async () => {
    const facts = (await (await anonymous().ask('/v2/setup')).json()) as Record<string, string>;
    expect(facts).toMatchObject({
      'store-url': world.url,
      'store-id': 'this-store',
      'ca-certificate': expect.stringContaining('BEGIN CERTIFICATE'),
    });
    expect(facts['script']).toContain('snap set core proxy.store=this-store');
    expect(facts['script']).toContain('| snap ack /dev/stdin');
    expect(facts['cloud-init']).toMatch(/^#cloud-config\n/);
    expect(await (await anonymous().ask('/v2/setup/script')).text()).toBe(facts['script']);
    expect(await (await anonymous().ask('/v2/setup/cloud-init')).text()).toBe(facts['cloud-init']);
    expect(await (await anonymous().ask('/v2/setup/ca.crt')).text()).toBe(facts['ca-certificate']);
  });
});

it('made no mistake of its own', () => {
  expect(world.mistakes).toEqual([]);
});
