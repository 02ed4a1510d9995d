import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { visibility } from '../../src/brands/index.ts';
import { putStore } from '../../src/storage/authority/index.ts';
import { loadStores } from '../../src/storage/index.ts';
import type { ExportOutcome } from '../../src/workflows/export-contract.ts';
import type { ImportOutcome } from '../../src/workflows/import-contract.ts';
import { exportStore, importStore } from '../../src/workflows/index.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';
import {
  AT,
  importInput,
  newOutside,
  snapIdOf,
  storeExport,
  trustingHost,
  type Host,
  type Outside,
} from './carried-store.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const on = <Answer>(host: Host, work: (client: Client) => Promise<Answer>): Promise<Answer> =>
  withWorkers(temporal, { airlock: host.activities, transfer: host.activities }, work);

function exported(host: Host, store: string, snaps = true): Promise<ExportOutcome> {
  return on(host, (client) =>
    client.workflow.execute(exportStore, {
      workflowId: `export-store/${Math.random()}`,
      taskQueue: 'airlock',
      args: [storeExport({ store, snaps })],
    }),
  );
}

async function push(client: Client, path: string): Promise<ImportOutcome> {
  const input = await importInput('store', path);
  return client.workflow.execute(importStore, {
    workflowId: `import/${input.digest}`,
    taskQueue: 'airlock',
    args: [input],
  });
}

const pathOf = ({ files }: ExportOutcome): string => files[0]?.path ?? '';

/** A second brand's device-view store that claims a private snap of the first brand, as a careless or hostile exporter writes it. */
async function addUmbra({ host }: Outside): Promise<void> {
  const at = AT.toISOString();
  const { queries } = host.database;
  const store = { id: 'umbra-devices', name: 'Umbra', kind: 'device-view', brandId: 'umbra' };
  await queries
    .insertInto('Store')
    .values({ ...store, createdAt: at, changedAt: at })
    .execute();
  await queries
    .insertInto('StoreRole')
    .values({ storeId: 'umbra-devices', accountId: 'ada', role: 'admin' })
    .execute();
  const inclusion = { storeId: 'umbra-devices', includedStoreId: 'brand-main' };
  await queries
    .insertInto('StoreInclusion')
    .values({ ...inclusion, allSnaps: false })
    .execute();
  await queries
    .insertInto('StoreInclusionSnap')
    .values({ ...inclusion, snapId: snapIdOf('my-app'), snapName: 'my-app' })
    .execute();
}

/** Whether devices of the second brand know of the first brand's private snap. */
async function umbraSees(host: Host): Promise<boolean> {
  return visibility(
    { kind: 'device', brandId: 'umbra', storeId: 'umbra-devices' },
    { snapId: snapIdOf('my-app'), storeId: 'brand-main', private: true },
    await loadStores(host.database.queries),
  );
}

describe('two brands on one host', () => {
  test('one cannot include a store that is hosted for the other, and its export holds none of the other’s private snaps', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    await addUmbra(outside);
    const theirs = await exported(outside.host, 'umbra-devices');
    expect(theirs.snaps).toEqual([]);
    const ours = await exported(outside.host, 'brand-devices');
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      await push(client, pathOf(ours));
      const refused = await push(client, pathOf(theirs)).catch(errorOfFailure);
      expect(refused).toMatchObject({
        code: 'store-of-other-brand',
        message: expect.stringContaining(
          'umbra-devices includes brand-main, which is hosted here for another',
        ),
      });
    });
    expect(await umbraSees(inside)).toBe(false);
  });

  test('an inclusion that came before the store that it names shows none of its private snaps', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    await addUmbra(outside);
    const theirs = await exported(outside.host, 'umbra-devices', false);
    const ours = await exported(outside.host, 'brand-devices');
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      await push(client, pathOf(theirs));
      await push(client, pathOf(ours));
    });
    expect(await umbraSees(inside)).toBe(false);
  });

  test('the authority lets a store include those of its own brand and the general one', async () => {
    const { host } = await newOutside();
    const put = (brandId: string, included: string) =>
      host.database.transaction((queries) =>
        putStore(
          queries,
          {
            id: `${brandId}-view`,
            name: 'View',
            kind: 'device-view',
            brandId,
            includes: [{ storeId: included, snaps: 'all' }],
          },
          AT,
        ),
      );
    await put('my-brand', 'brand-main');
    await put('umbra', 'ubuntu');
    await expect(put('umbra', 'brand-main')).rejects.toMatchObject({ code: 'store-of-other-brand' });
  });
});

describe('a device-view store that lists snaps of its brand store', () => {
  test('is exported with these alone, and withdraws nothing else of the brand store', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    await outside.publish(
      { name: 'other-app', version: '1', type: 'app', base: 'my-base' },
      { store: 'brand-main', private: true, revision: 1, channels: ['latest/stable'] },
    );
    const inside = await trustingHost(outside);
    const whole = await exported(outside.host, 'brand-devices');
    const { queries } = outside.host.database;
    await queries
      .updateTable('StoreInclusion')
      .set({ allSnaps: false })
      .where('includedStoreId', '=', 'brand-main')
      .execute();
    const entry = { storeId: 'brand-devices', includedStoreId: 'brand-main' };
    await queries
      .insertInto('StoreInclusionSnap')
      .values({ ...entry, snapId: snapIdOf('my-app'), snapName: 'my-app' })
      .execute();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const listed = await exported(outside.host, 'brand-devices');
    expect([...new Set(listed.snaps.map(({ name }) => name))]).toEqual(['my-app', 'my-base', 'snapd']);
    await on(inside, async (client) => {
      await push(client, pathOf(whole));
      await push(client, pathOf(listed));
    });
    const open = await inside.database.queries
      .selectFrom('ChannelRelease')
      .select('id')
      .where('snapId', '=', snapIdOf('other-app'))
      .where('endedAt', 'is', null)
      .execute();
    expect(open).toHaveLength(1);
  });
});
