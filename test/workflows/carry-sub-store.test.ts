/** A sub-store on its way to an isolated host: what its export says of its parent, what is refused, and what a roll-back puts back. */
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { exporterSigner, writeArchive } from '../../src/activities/exports/archive.ts';
import {
  decodeAssertion,
  formatTimestamp,
  signAssertion,
  type Assertion,
} from '../../src/assertions/index.ts';
import type { ManifestStore } from '../../src/bundles/index.ts';
import { putStore } from '../../src/storage/authority/index.ts';
import { addAssertions, findAssertion } from '../../src/storage/index.ts';
import type { ExportOutcome } from '../../src/workflows/export-contract.ts';
import type { ImportInput, ImportOutcome } from '../../src/workflows/import-contract.ts';
import {
  exportStore,
  fetchBrandStoreMetadata,
  importStore,
  planImport,
  rollBackImport,
} from '../../src/workflows/index.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import {
  AT,
  importInput,
  newOutside,
  storeExport,
  trustingHost,
  type Host,
  type Outside,
} from './carried-store.ts';
import { authority, online } from './carrying.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const on = <Answer>(host: Host, work: (client: Client) => Promise<Answer>): Promise<Answer> =>
  withHost(temporal, host, work);
const run = () => ({ workflowId: `test/${Math.random()}`, taskQueue: 'airlock' });
const pathOf = ({ files }: ExportOutcome): string => files[0]?.path ?? '';

const exported = ({ host }: Outside, store: string): Promise<ExportOutcome> =>
  on(host, (client) => client.workflow.execute(exportStore, { ...run(), args: [storeExport({ store })] }));

async function push(client: Client, path: string, over: Partial<ImportInput> = {}): Promise<ImportOutcome> {
  const input = await importInput('store', path, over);
  return client.workflow.execute(importStore, { ...run(), args: [input] });
}

/** The store assertion, as the authority would sign it. */
async function signStore(
  { chain }: Outside,
  store: string,
  friendly: readonly string[],
  over: { readonly revision?: number; readonly operator?: string } = {},
): Promise<Assertion> {
  const headers = {
    'authority-id': 'test-root',
    ...(over.revision && { revision: String(over.revision) }),
    store,
    'operator-id': over.operator ?? 'my-brand',
    ...(friendly.length > 0 && { 'friendly-stores': friendly }),
    timestamp: formatTimestamp(new Date('2025-01-01T00:00:00Z')),
  };
  return signAssertion({ type: 'store', headers }, chain.rootSigner, AT);
}

/** A brand's store with its sub-store for resellers, and one below that; each with its store assertion. */
async function withSubStores(): Promise<Outside> {
  const outside = await newOutside();
  await outside.publishJourney();
  const { database } = outside.host;
  await database.transaction(async (queries) => {
    const own = { brandId: 'my-brand', kind: 'device-view', includes: [] } as const;
    await putStore(queries, { ...own, id: 'resellers', name: 'Resellers', parent: 'brand-main' }, AT);
    const includes = [{ storeId: 'brand-main', snaps: ['my-app'] }];
    await putStore(queries, { ...own, id: 'shop', name: 'Shop', parent: 'resellers', includes }, AT);
    for (const storeId of ['resellers', 'shop'])
      await queries.insertInto('StoreRole').values({ storeId, accountId: 'ada', role: 'admin' }).execute();
  });
  const assertions = [
    await signStore(outside, 'brand-main', []),
    await signStore(outside, 'resellers', ['brand-main']),
    await signStore(outside, 'shop', ['resellers', 'brand-main']),
  ];
  await addAssertions(database.queries, assertions, { at: AT });
  return outside;
}

const parentsOf = async (host: Host) => {
  const rows = await host.database.queries
    .selectFrom('Store')
    .select(['id', 'parentId'])
    .orderBy('id')
    .execute();
  return Object.fromEntries(rows.map(({ id, parentId }) => [id, parentId]));
};

const friendlyOf = async (host: Host, store: string) => {
  const found = await findAssertion(host.database.queries, 'store', [store]);
  return found && decodeAssertion(found.bytes).headers['friendly-stores'];
};

test('a sub-store brings its parent’s name, and the signed word of every store above it', async () => {
  const outside = await withSubStores();
  const archive = pathOf(await exported(outside, 'shop'));
  const above = pathOf(await exported(outside, 'resellers'));
  const { stdout } = await runCli('airlock', ['inspect', archive]);
  expect(stdout).toContain('\nStore shop: sub-store of resellers\n');
  const inside = await trustingHost(outside);
  await on(inside, async (client) => {
    const plan = await client.workflow.execute(planImport, {
      ...run(),
      args: [await importInput('store', archive)],
    });
    const told = { action: 'new', kind: 'store', subject: 'shop', detail: 'sub-store of resellers' };
    expect(plan.items).toContainEqual(told);
    await push(client, archive);
    // What the parent includes is a matter of its own export.
    expect(await parentsOf(inside)).toEqual({ 'brand-main': null, shop: 'resellers' });
    expect(await friendlyOf(inside, 'shop')).toEqual(['resellers', 'brand-main']);
    expect(await friendlyOf(inside, 'resellers')).toEqual(['brand-main']);
    await push(client, above);
    expect(await parentsOf(inside)).toMatchObject({ resellers: 'brand-main', shop: 'resellers' });
  });
});

test('the metadata of a sub-store alone says whose it is, fetched by its admin and pushed', async () => {
  const outside = await withSubStores();
  const { url, login } = await authority(outside);
  const proxy = await online(outside, url, { login: await login('ada', 'store_admin') });
  const wish = { store: 'resellers', credentials: 'login', exportDir: null, actor: 'operator' };
  const path = pathOf(
    await on(proxy, (client) => client.workflow.execute(fetchBrandStoreMetadata, { ...run(), args: [wish] })),
  );
  const inside = await trustingHost(outside);
  await on(inside, async (client) => {
    const input = await importInput('store-metadata', path);
    const plan = await client.workflow.execute(planImport, { ...run(), args: [input] });
    const told = { action: 'new', kind: 'store', subject: 'resellers', detail: 'sub-store of brand-main' };
    expect(plan).toMatchObject({ refused: null, items: expect.arrayContaining([told]) });
    await client.workflow.execute(importStore, { ...run(), args: [input] });
    expect(await parentsOf(inside)).toMatchObject({ resellers: 'brand-main' });
    expect(await friendlyOf(inside, 'resellers')).toEqual(['brand-main']);
  });
});

test('another parent comes with the next export, and a roll-back brings the former one back', async () => {
  const outside = await withSubStores();
  const before = pathOf(await exported(outside, 'shop'));
  const { database } = outside.host;
  const shop = { id: 'shop', name: 'Shop', kind: 'device-view', brandId: 'my-brand', includes: [] } as const;
  const moveTo = async (parent: string | null, revision: number) => {
    await database.transaction((queries) => putStore(queries, { ...shop, parent }, AT));
    const assertion = await signStore(outside, 'shop', parent === null ? [] : [parent], { revision });
    await addAssertions(database.queries, [assertion], { at: AT });
    return pathOf(await exported(outside, 'shop'));
  };
  const moved = await moveTo('brand-main', 1);
  const alone = await moveTo(null, 2);
  const inside = await trustingHost(outside);
  await on(inside, async (client) => {
    const rollBack = (dryRun: boolean) =>
      client.workflow.execute(rollBackImport, {
        ...run(),
        args: [{ to: null, dryRun, actor: 'operator' }],
      });
    await push(client, before);
    for (const [path, parent, friendly, detail] of [
      [moved, 'brand-main', ['brand-main'], 'sub-store of brand-main'],
      [alone, null, undefined, 'sub-store of none'],
    ] as const) {
      const plan = await client.workflow.execute(planImport, {
        ...run(),
        args: [await importInput('store', path)],
      });
      expect(plan.items).toContainEqual({ action: 'updated', kind: 'store', subject: 'shop', detail });
      await push(client, path);
      expect(await parentsOf(inside)).toMatchObject({ shop: parent });
      expect(await friendlyOf(inside, 'shop')).toEqual(friendly);
    }
    const told = { kind: 'store', subject: 'shop', detail: 'sub-store of brand-main' };
    expect((await rollBack(true)).items).toContainEqual({ action: 'new', ...told });
    await rollBack(false);
    expect(await parentsOf(inside)).toMatchObject({ shop: 'brand-main' });
    await rollBack(false);
    expect(await parentsOf(inside)).toMatchObject({ shop: 'resellers' });
    expect(await friendlyOf(inside, 'shop')).toEqual(['resellers', 'brand-main']);
    // An older export goes on being one that can be taken on purpose.
    await push(client, moved);
    await push(client, before, { allowOlder: true });
    expect(await parentsOf(inside)).toMatchObject({ shop: 'resellers' });
  });
});

test('a parent of another brand, or one that the store assertion does not name, is refused', async () => {
  const outside = await withSubStores();
  const ours = pathOf(await exported(outside, 'shop'));
  const signer = await exporterSigner(outside.host.settings, AT);
  const claimed = async (parent: string, assertions: readonly Assertion[]) => {
    const shop: ManifestStore = {
      id: 'shop',
      name: 'Shop',
      kind: 'device-view',
      brandId: 'my-brand',
      parent,
      includes: [],
    };
    const at = new Date();
    const place = { folder: await temporaryFolder(), nameAt: () => 'claim.tar.gz', at };
    const streams = new Map([['assertions/store.assert', assertions]]);
    const material = { kind: 'store', store: 'shop', createdAt: at, stores: [shop], snaps: [] } as const;
    return (await writeArchive(place, { ...material, streams, admin: null, complete: false }, signer, {}))
      .path;
  };
  const inside = await trustingHost(outside);
  await inside.database.transaction((queries) =>
    putStore(queries, { id: 'umbra', name: 'Umbra', kind: 'brand', brandId: 'umbra', includes: [] }, AT),
  );
  await on(inside, async (client) => {
    await push(client, ours);
    const before = await parentsOf(inside);
    const foreign = await signStore(outside, 'foreign', [], { operator: 'test-root' });
    const friend = await signStore(outside, 'shop', ['umbra', 'foreign', 'ubuntu'], { revision: 1 });
    for (const [parent, assertions, code, sentence] of [
      [
        'umbra',
        [friend],
        'store-of-other-brand',
        /a sub-store of umbra, which is not of the brand my-brand$/,
      ],
      [
        'foreign',
        [foreign, friend],
        'store-of-other-brand',
        /sub-store of foreign, which is not of the brand/,
      ],
      [
        'ubuntu',
        [friend],
        'store-of-other-brand',
        /sub-store of ubuntu, which is not of the brand my-brand$/,
      ],
      [
        'brand-main',
        [friend],
        'store-parent-unsigned',
        /^cannot accept the archive: it says that the store shop is a sub-store of brand-main, and its store assertion/,
      ],
    ] as const) {
      const path = await claimed(parent, assertions);
      const plan = await client.workflow.execute(planImport, {
        ...run(),
        args: [await importInput('store', path)],
      });
      const item = { action: 'refused', kind: 'store', detail: expect.stringMatching(sentence) };
      expect(plan).toMatchObject({ refused: { code }, items: [item] });
      const refused = await push(client, path).catch(errorOfFailure);
      expect(refused).toMatchObject({ code, message: expect.stringMatching(sentence) });
      expect(await parentsOf(inside)).toEqual(before);
      expect(await friendlyOf(inside, 'shop')).toEqual(['resellers', 'brand-main']);
    }
  });
});
