/** A device that another model moves into a sub-store of its brand: what its session names, and what it sees then. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeStream, formatTimestamp, signAssertion } from '../../../src/assertions/index.ts';
import { putStore } from '../../../src/storage/authority/index.ts';
import { Client } from './client.ts';
import { makeWorld, type World } from './world.ts';

const AT = new Date('2025-01-01T00:00:00Z');
/** Of the brand's store, what the sub-store includes; what it leaves out; and what is kept in the sub-store itself. */
const [LISTED, UNLISTED, OWN] = ['agent', 'kernel-tools', 'reseller-app'] as const;

let world: World;
let before: Client;
let after: Client;

beforeAll(async () => {
  world = await makeWorld();
  for (const [name, storeId] of [
    [LISTED, 'acme-store'],
    [UNLISTED, 'acme-store'],
    [OWN, 'resellers'],
  ] as const)
    await world.addSnap({ name, storeId, private: true });
  const own = { kind: 'device-view', brandId: 'acme' } as const;
  await world.change(async (queries) => {
    const includes = [{ storeId: 'acme-store', snaps: [LISTED] }];
    await putStore(
      queries,
      { ...own, id: 'resellers', name: 'Resellers', parent: 'acme-store', includes },
      AT,
    );
    await putStore(queries, { ...own, id: 'bare', name: 'Bare', parent: 'acme-store', includes: [] }, AT);
  });
  await world.sign('store', { store: 'acme-store', 'operator-id': 'acme' });
  for (const store of ['resellers', 'bare'])
    await world.sign('store', { store, 'operator-id': 'acme', 'friendly-stores': ['acme-store'] });
  before = new Client(world, await world.session(world.acme));
  after = await remodelled('resellers');
});
afterAll(() => world.close());

/** The same board with the serial of a model that names another store, as it gets it by a remodelling. */
async function remodelled(store: string): Promise<Client> {
  const { chain, device, serials } = world.acme;
  const name = `model-of-${store}`;
  const model = await chain.model(name, { store });
  const headers = {
    'authority-id': 'acme',
    'brand-id': 'acme',
    model: name,
    serial: 'acme-0001',
    'device-key': device.publicKey.encoded,
    'device-key-sha3-384': device.publicKey.keyId,
    timestamp: formatTimestamp(AT),
  };
  const serial = await signAssertion({ type: 'serial', headers }, serials, AT);
  return new Client(world, await world.session(world.acme, { model, serial }));
}

const sees = async (client: Client): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const name of [LISTED, UNLISTED, OWN])
    if ((await client.ask(`/v2/snaps/info/${name}`)).status === 200) found.push(name);
  return found;
};

/** The friendly-stores of a store's assertion, as far as the client gets that. */
async function friendlyOf(client: Client, store: string): Promise<unknown> {
  const reply = await client.ask(`/v2/assertions/store/${store}?max-format=0`);
  if (reply.status !== 200) return reply.status;
  const [assertion] = decodeStream(new Uint8Array(await reply.arrayBuffer()));
  return assertion?.headers['friendly-stores'] ?? [];
}

describe('a device that another model moves into a sub-store', () => {
  it('has sessions for that store from then on', async () => {
    const devices = await world.database.queries
      .selectFrom('Device')
      .select(['modelName', 'serial', 'storeId'])
      .where('modelName', '!=', 'model-of-bare')
      .orderBy('modelName')
      .execute();
    expect(devices).toEqual([
      { modelName: 'acme-model', serial: 'acme-0001', storeId: 'acme-store' },
      { modelName: 'model-of-resellers', serial: 'acme-0001', storeId: 'resellers' },
    ]);
  });

  it('sees what that store has and includes, and no longer what it saw of the other', async () => {
    expect(await sees(before)).toEqual([LISTED, UNLISTED]);
    expect(await sees(after)).toEqual([LISTED, OWN]);
    const refreshed = await after.refresh(
      [LISTED, UNLISTED].map((name) => ({
        action: 'refresh',
        'instance-key': name,
        'snap-id': world.snaps[name]?.snapId,
        channel: 'latest/edge',
      })),
      {
        context: [LISTED, UNLISTED].map((name) => ({
          'snap-id': world.snaps[name]?.snapId,
          'instance-key': name,
          revision: 1,
          'tracking-channel': 'latest/stable',
          epoch: { read: [0], write: [0] },
        })),
      },
    );
    expect(refreshed.results.map((one) => `${String(one['instance-key'])} ${one.result}`)).toEqual([
      `${LISTED} refresh`,
      `${UNLISTED} error`,
    ]);
  });

  it('sees nothing of the parent where the store includes nothing', async () => {
    expect(await sees(await remodelled('bare'))).toEqual([]);
  });
});

describe('the store assertion', () => {
  it('of a sub-store is for its own devices, and names the stores above', async () => {
    expect(await friendlyOf(after, 'resellers')).toEqual(['acme-store']);
    const { results } = await after.refresh([
      {
        action: 'fetch-assertions',
        key: 'group',
        assertions: [{ type: 'store', 'primary-key': ['resellers'] }],
      },
    ]);
    const urls = results.flatMap((one) => one['assertion-stream-urls'] ?? []);
    expect(results).toMatchObject([{ result: 'fetch-assertions', key: 'group' }]);
    const fetched = await after.ask(new URL(String(urls[0])).pathname);
    const stream = decodeStream(new Uint8Array(await fetched.arrayBuffer()));
    expect(stream.filter(({ type }) => type === 'store').map(({ primaryKey }) => primaryKey)).toEqual([
      ['resellers'],
    ]);
  });

  it('is not for devices of other stores, above or beside, nor for anybody else', async () => {
    expect(await friendlyOf(before, 'acme-store')).toEqual([]);
    const globex = new Client(world, await world.session(world.globex));
    for (const [client, store] of [
      [before, 'resellers'],
      [after, 'acme-store'],
      [after, 'bare'],
      [globex, 'resellers'],
      [new Client(world), 'resellers'],
    ] as const)
      expect(await friendlyOf(client, store)).toBe(404);
  });
});
