import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOfFailure } from '../../src/activities/errors.ts';
import {
  exporterSigner,
  writeArchive,
  type ArchiveMaterial,
  type SnapMaterial,
} from '../../src/activities/exports/archive.ts';
import { AssertionCloser } from '../../src/activities/exports/assertions.ts';
import { snapMaterial } from '../../src/activities/exports/catalog.ts';
import { visibility } from '../../src/brands/index.ts';
import type { ManifestStore } from '../../src/bundles/index.ts';
import { putStore } from '../../src/storage/authority/index.ts';
import { loadStores, type Queries } from '../../src/storage/index.ts';
import type { ExportOutcome, StoreExport } from '../../src/workflows/export-contract.ts';
import type { ImportInput, ImportOutcome } from '../../src/workflows/import-contract.ts';
import { exportStore, importSnap, importStore, rollBackImport } from '../../src/workflows/index.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import type { Placement } from './hosts.ts';
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
  withHost(temporal, host, work);

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

/** The stores that an exporter is pinned for. */
async function storesPinned(queries: Queries): Promise<string[]> {
  const pins = await queries.selectFrom('PinnedExporter').select('storeId').execute();
  return pins.map(({ storeId }) => storeId).toSorted();
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

describe('a store that its owner shares with another brand', () => {
  const share = (host: Host, sharedWith: readonly string[]) =>
    host.database.transaction((queries) =>
      putStore(
        queries,
        { id: 'brand-main', name: 'Main', kind: 'brand', brandId: 'my-brand', includes: [], sharedWith },
        new Date(),
      ),
    );
  /** Into a folder of its own: names carry the second in which they were made. */
  const exportOf = (host: Host, over: Partial<StoreExport>) =>
    on(host, async (client) =>
      client.workflow.execute(exportStore, {
        workflowId: `export-store/${Math.random()}`,
        taskQueue: 'airlock',
        args: [storeExport({ exportDir: await temporaryFolder(), ...over })],
      }),
    );

  test('may be included by it, shows it its private snaps, and no longer after the consent is withdrawn', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    await addUmbra(outside);
    await share(outside.host, ['umbra']);
    const ours = await exportOf(outside.host, {});
    const theirs = await exportOf(outside.host, { store: 'umbra-devices' });
    expect(theirs.snaps).toEqual([]);
    expect(theirs.warnings).toEqual([
      "the snaps of brand-main are another brand's: they come with the export of its own brand",
    ]);
    await share(outside.host, []);
    const without = await exportOf(outside.host, {});
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      await push(client, pathOf(ours));
      await push(client, pathOf(theirs));
      expect(await umbraSees(inside)).toBe(true);
      await push(client, pathOf(without));
      expect(await umbraSees(inside)).toBe(false);
      const input = { to: null, dryRun: false, actor: 'operator' };
      const back = await client.workflow.execute(rollBackImport, {
        workflowId: `roll-back/${Math.random()}`,
        taskQueue: 'airlock',
        args: [input],
      });
      expect(back.items).toContainEqual({
        action: 'new',
        kind: 'store',
        subject: 'brand-main',
        detail: 'shared with umbra',
      });
      expect(await umbraSees(inside)).toBe(true);
    });
  });

  test('may be shared by one export alone, and only if that describes it', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    await addUmbra(outside);
    const shareWith = [{ store: 'brand-main', brands: ['umbra'] }];
    const ours = await exportOf(outside.host, { shareWith });
    const told = await runCli('airlock', ['inspect', pathOf(ours)]);
    expect(told.stdout).toContain('\nStore brand-main: shared with umbra\n');
    expect(told.stdout).toContain(
      '\nStore brand-devices: device-view store, includes all of brand-main, 2 snaps of ubuntu\n',
    );
    expect(told.stdout).toMatch(
      /\nSnap my-app: revision .*\n(?: {2}.*\n)*? {2}latest\/stable amd64: revision 1\n/,
    );
    const theirs = await exportOf(outside.host, { store: 'umbra-devices' });
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      await push(client, pathOf(ours));
      await push(client, pathOf(theirs));
    });
    expect(await umbraSees(inside)).toBe(true);
    for (const store of ['ubuntu', 'umbra-devices', 'nowhere'])
      await expect(
        exportOf(outside.host, { shareWith: [{ store, brands: ['umbra'] }] }).catch((error: unknown) => {
          throw errorOfFailure(error);
        }),
      ).rejects.toMatchObject({
        code: 'store-unknown',
        message: `cannot share the store ${store}: this export describes no such store of the brand`,
      });
  });

  test('is not shared by anybody else: a manifest of the other brand that claims the consent is refused', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    await addUmbra(outside);
    const ours = await exportOf(outside.host, {});
    const includes = [{ store: 'brand-main', snaps: null }];
    const umbra = { id: 'umbra-devices', name: 'Umbra', kind: 'device-view', brandId: 'umbra' } as const;
    const main = { id: 'brand-main', name: 'Main', kind: 'brand', includes: [] } as const;
    const sharedWith = ['umbra'];
    const claims: readonly (readonly [string, string, readonly ManifestStore[]])[] = [
      [
        'store-of-other-brand',
        'umbra-devices',
        [
          { ...umbra, includes },
          { ...main, includes: [], brandId: 'my-brand', sharedWith },
        ],
      ],
      [
        'store-of-other-brand',
        'umbra-devices',
        [
          { ...umbra, includes },
          { ...main, includes: [], brandId: 'umbra', sharedWith },
        ],
      ],
      [
        'exporter-foreign',
        'my-brand-extra',
        [
          { id: 'my-brand-extra', name: 'X', kind: 'device-view', brandId: 'my-brand', includes: [] },
          { ...main, includes: [], brandId: 'my-brand', sharedWith },
        ],
      ],
      ['exporter-foreign', 'brand-main', [{ ...main, includes: [], brandId: 'my-brand', sharedWith }]],
      ['store-of-other-brand', 'umbra-devices', [{ ...umbra, includes, sharedWith }]],
    ];
    const stranger = await newOutside();
    const at = new Date();
    const signer = await exporterSigner(stranger.host.settings, at);
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      await push(client, pathOf(ours));
      for (const [code, store, stores] of claims) {
        const place = { folder: await temporaryFolder(), nameAt: () => 'claim.tar.gz', at };
        const empty = { admin: null, streams: new Map(), snaps: [], complete: false };
        const material = { kind: 'store', store, createdAt: at, stores, ...empty } as const;
        const { path } = await writeArchive(place, material, signer, {});
        const refused = await push(client, path).catch(errorOfFailure);
        expect(refused).toMatchObject({ code });
      }
    });
    const { queries } = inside.database;
    expect(await queries.selectFrom('StoreShare').selectAll().execute()).toEqual([]);
    expect(await umbraSees(inside)).toBe(false);
  });

  test('may be included on the authority, too, and is refused there without the consent', async () => {
    const { host } = await newOutside();
    const include = () =>
      host.database.transaction((queries) =>
        putStore(
          queries,
          {
            id: 'umbra-view',
            name: 'View',
            kind: 'device-view',
            brandId: 'umbra',
            includes: [{ storeId: 'brand-main', snaps: 'all' }],
          },
          AT,
        ),
      );
    await expect(include()).rejects.toMatchObject({
      code: 'store-of-other-brand',
      message: expect.stringContaining('--share-with umbra'),
    });
    await share(host, ['umbra']);
    await include();
  });
});

describe('the brand of a store that is hosted', () => {
  const view = (id: string, sharedWith?: readonly string[]): ManifestStore => ({
    id,
    name: 'X',
    kind: 'device-view',
    brandId: 'my-brand',
    includes: [],
    ...(sharedWith && { sharedWith: [...sharedWith] }),
  });
  const mainClaim: ManifestStore = { ...view('brand-main', ['umbra']), name: 'Main', kind: 'brand' };

  /** An archive that somebody signed whom nobody here named. */
  async function strangersArchives() {
    const at = new Date();
    const signer = await exporterSigner((await newOutside()).host.settings, at);
    const write = async (material: Pick<ArchiveMaterial, 'kind' | 'store' | 'stores' | 'snaps'>) => {
      const place = { folder: await temporaryFolder(), nameAt: () => 'stranger.tar.gz', at };
      const empty = { createdAt: at, admin: null, streams: new Map(), complete: false };
      return (await writeArchive(place, { ...empty, ...material }, signer, {})).path;
    };
    return { fingerprint: signer.fingerprint, write };
  }

  async function carried(
    client: Client,
    kind: 'snap' | 'store',
    path: string,
    over: Partial<ImportInput> = {},
  ) {
    const input = await importInput(kind, path, over);
    const run = { workflowId: `import/${Math.random()}`, taskQueue: 'airlock' };
    const done =
      kind === 'snap'
        ? client.workflow.execute(importSnap, { ...run, args: [input] })
        : client.workflow.execute(importStore, { ...run, args: [input] });
    return done.then(
      () => 'accepted',
      (error: unknown) => errorOfFailure(error),
    );
  }

  /** A snap that the host does not have yet, as an archive holds it, said to be of some store. */
  async function newSnap({ host }: Outside, store: string): Promise<SnapMaterial> {
    const { queries } = host.database;
    const parts = { queries, blobs: host.blobs, closer: new AssertionCloser(queries) };
    const found = await snapMaterial(parts, snapIdOf('other-app'), { channels: [], architectures: [] }, true);
    if (found === undefined) throw new TypeError('other-app is in no channel');
    return { ...found, snap: { ...found.snap, store } };
  }

  const publishOther = (outside: Outside, over: Partial<Placement> = {}) =>
    outside.publish(
      { name: 'other-app', version: '1', type: 'app', base: 'my-base' },
      { store: 'brand-main', private: true, revision: 1, channels: ['latest/stable'], ...over },
    );

  test('has no other exporter by an archive of single snaps', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const ours = await exported(outside.host, 'brand-devices');
    await publishOther(outside);
    const { write } = await strangersArchives();
    const single = async (store: string | null, snaps: readonly SnapMaterial[]) =>
      write({ kind: 'snap', store, stores: [], snaps });
    const inside = await trustingHost(outside);
    const { queries } = inside.database;
    await on(inside, async (client) => {
      await push(client, pathOf(ours));
      // The host knows of brand-main by the archive of brand-devices alone, and has no pin for it.
      const secondary = await single('brand-main', [await newSnap(outside, 'brand-main')]);
      expect(await carried(client, 'snap', secondary)).toMatchObject({ code: 'exporter-foreign' });
      const empty = await single('my-brand-extra', []);
      expect(await carried(client, 'snap', empty)).toMatchObject({ code: 'snap-unknown' });
      for (const store of [null, 'my-brand-extra']) {
        const other = await single(store, [await newSnap(outside, 'brand-main')]);
        expect(await carried(client, 'snap', other)).toMatchObject({ code: 'snap-of-other-store' });
      }
      const nothing = await write({ kind: 'store', store: 'my-brand-extra', stores: [], snaps: [] });
      expect(await carried(client, 'store', nothing)).toMatchObject({ code: 'store-unknown' });
      expect(await storesPinned(queries)).toEqual(['brand-devices']);
      // Nobody knows yet whose store this is, but the brand's own snap is not for anybody to place.
      const unknown = await single('my-brand-extra', [await newSnap(outside, 'my-brand-extra')]);
      expect(await carried(client, 'snap', unknown)).toMatchObject({
        code: 'exporter-foreign',
        message: expect.stringContaining('the other stores of the brand my-brand with'),
      });
      expect(await storesPinned(queries)).toEqual(['brand-devices']);
    });
    expect(await queries.selectFrom('StoreShare').selectAll().execute()).toEqual([]);
  });

  test('says nothing of a store that nobody knows; a pin by single snaps of others is no word about the brand', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const ours = await exported(outside.host, 'brand-devices');
    await publishOther(outside, { publisher: 'test-root' });
    const { write } = await strangersArchives();
    const inside = await trustingHost(outside);
    const { queries } = inside.database;
    await on(inside, async (client) => {
      await push(client, pathOf(ours));
      const snaps = [await newSnap(outside, 'my-brand-extra')];
      const unknown = await write({ kind: 'snap', store: 'my-brand-extra', stores: [], snaps });
      expect(await carried(client, 'snap', unknown)).toBe('accepted');
      for (const id of ['my-brand-extra', 'my-brand-more']) {
        const stores = [view(id), mainClaim];
        const claim = await write({ kind: 'store', store: id, stores, snaps: [] });
        expect(await carried(client, 'store', claim)).toMatchObject({ code: 'exporter-foreign' });
      }
    });
    expect(await storesPinned(queries)).toEqual(['brand-devices', 'my-brand-extra']);
    expect(await queries.selectFrom('StoreShare').selectAll().execute()).toEqual([]);
  });

  test('is asked again when single snaps came before anybody said whose their store is', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    await outside.host.database.transaction(async (queries) => {
      const own = { brandId: 'my-brand', name: 'X' };
      await putStore(queries, { ...own, id: 'my-brand-extra', kind: 'brand', includes: [] }, AT);
      const includes = ['brand-main', 'my-brand-extra'].map((storeId) => ({
        storeId,
        snaps: 'all' as const,
      }));
      await putStore(queries, { ...own, id: 'brand-devices', kind: 'device-view', includes }, AT);
    });
    await publishOther(outside, { store: 'my-brand-extra' });
    const ours = await exported(outside.host, 'brand-devices');
    const { fingerprint, write } = await strangersArchives();
    const single = await write({
      kind: 'snap',
      store: 'my-brand-extra',
      stores: [],
      snaps: [await newSnap(outside, 'my-brand-extra')],
    });
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      // Snaps come first, as documented: the brand is not hosted yet.
      expect(await carried(client, 'snap', single)).toBe('accepted');
      expect(await carried(client, 'snap', single)).toBe('accepted');
      await push(client, pathOf(ours));
      expect(await carried(client, 'snap', single)).toMatchObject({ code: 'exporter-foreign' });
      // What the operator vouched for holds.
      expect(await carried(client, 'snap', single, { exporter: fingerprint })).toBe('accepted');
      expect(await carried(client, 'snap', single)).toBe('accepted');
    });
  });

  test('has none at all when its stores were made on this host, until the operator names one', async () => {
    const outside = await newOutside();
    await publishOther(outside);
    const inside = await trustingHost(outside);
    await inside.database.transaction((queries) =>
      putStore(
        queries,
        { id: 'brand-main', name: 'Main', kind: 'brand', brandId: 'my-brand', includes: [] },
        AT,
      ),
    );
    const { fingerprint, write } = await strangersArchives();
    const snap = await write({
      kind: 'snap',
      store: 'brand-main',
      stores: [],
      snaps: [await newSnap(outside, 'brand-main')],
    });
    const claim = await write({ kind: 'store', store: 'brand-main', stores: [mainClaim], snaps: [] });
    const added = await write({
      kind: 'store',
      store: 'my-brand-extra',
      stores: [view('my-brand-extra')],
      snaps: [],
    });
    await on(inside, async (client) => {
      for (const [kind, path] of [
        ['snap', snap],
        ['store', claim],
        ['store', added],
      ] as const)
        expect(await carried(client, kind, path)).toMatchObject({
          code: 'exporter-foreign',
          message: expect.stringContaining("are here without any exporter's key"),
        });
      const { queries } = inside.database;
      expect(await queries.selectFrom('PinnedExporter').selectAll().execute()).toEqual([]);
      expect(await carried(client, 'store', claim, { exporter: fingerprint })).toBe('accepted');
      expect(await carried(client, 'store', added)).toBe('accepted');
    });
  });
});
