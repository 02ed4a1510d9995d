import { copyFile, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogDifference, catalogState } from '../../src/activities/imports/undo/catalog-difference.ts';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { planOf } from '../../src/activities/imports/plan.ts';
import { release } from '../../src/storage/authority/index.ts';
import { generation, parseBlobDigest, type Queries } from '../../src/storage/index.ts';
import {
  exportSnaps,
  exportStore,
  importSnap,
  importStore,
  planImport,
  removeSnaps,
  rollBackImport,
} from '../../src/workflows/index.ts';
import type { ImportInput, ImportOutcome, ImportPlan } from '../../src/workflows/import-contract.ts';
import type { ExportOutcome, StoreExport } from '../../src/workflows/export-contract.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  newOutside,
  flippedCopy,
  importInput,
  storeExport,
  trustingHost,
  type Host,
  snapIdOf,
} from './carried-store.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const on = <Answer>(host: Host, work: (client: Client) => Promise<Answer>): Promise<Answer> =>
  withHost(temporal, host, work);

function exported(host: Host, input: StoreExport = storeExport()): Promise<ExportOutcome> {
  return on(host, (client) =>
    client.workflow.execute(exportStore, {
      workflowId: `export-store/${Math.random()}`,
      taskQueue: 'airlock',
      args: [input],
    }),
  );
}

function push(client: Client, input: ImportInput): Promise<ImportOutcome> {
  return client.workflow.execute(importStore, {
    workflowId: `import/${input.digest}`,
    taskQueue: 'airlock',
    args: [input],
  });
}

function planned(client: Client, input: ImportInput): Promise<ImportPlan> {
  return client.workflow.execute(planImport, {
    workflowId: `plan/${Math.random()}`,
    taskQueue: 'airlock',
    args: [input],
  });
}

/** What a channel risk of a snap holds now. */
function heldBy(host: Host, name: string, risk: string) {
  return host.database.queries
    .selectFrom('ChannelRelease')
    .innerJoin('Snap', 'Snap.snapId', 'ChannelRelease.snapId')
    .select('revision')
    .where('Snap.name', '=', name)
    .where('risk', '=', risk)
    .where('endedAt', 'is', null)
    .execute();
}

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work;
  } catch (error) {
    const { code, message } = errorOfFailure(error);
    return { code, message };
  }
  throw new Error('it was not refused');
}

/** Everything on the host that an import could leave. */
async function traces(host: Host) {
  const { queries } = host.database;
  const count = async (
    table:
      | 'Snap'
      | 'SnapRevision'
      | 'ChannelRelease'
      | 'Store'
      | 'StoredAssertion'
      | 'Account'
      | 'Token'
      | 'ImportRecord'
      | 'PinnedExporter'
      | 'StoreInclusion'
      | 'StoreInclusionSnap'
      | 'StoreRole',
  ) => (await queries.selectFrom(table).selectAll().execute()).length;
  return {
    snaps: await count('Snap'),
    revisions: await count('SnapRevision'),
    releases: await count('ChannelRelease'),
    stores: await count('Store'),
    inclusions: (await count('StoreInclusion')) + (await count('StoreInclusionSnap')),
    assertions: await count('StoredAssertion'),
    accounts: await count('Account'),
    tokens: (await count('Token')) + (await count('StoreRole')),
    pins: await count('PinnedExporter'),
    blobs: (await readdir(`${host.folder}/blobs`, { recursive: true })).filter((name) => name.length > 90)
      .length,
    staging: (await readdir(`${host.folder}/staging`)).length,
  };
}

describe('a store that is exported, carried and imported', () => {
  test('is visible whole, and a second push of the same file, or of a copy, says that nothing changed', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const made = await exported(outside.host);
    expect(made.warnings).toEqual([]);
    expect(made.snaps.map(({ name, revision }) => `${name} ${revision}`).sort()).toEqual([
      'my-app 1',
      'my-app 2',
      'my-base 5',
      'snapd 9',
    ]);
    const path = made.files[0]?.path ?? '';
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      const first = await push(client, await importInput('store', path));
      expect(first).toMatchObject({ unchanged: false, store: 'brand-devices', exporterPinned: true });
      expect(first.admin).toEqual({ accountId: 'ada', email: 'ada@example.com' });
      const before = await traces(inside);
      expect(before).toMatchObject({ snaps: 3, revisions: 4, releases: 4, stores: 3, blobs: 4, staging: 0 });
      const catalog = await generation(inside.database.queries, 'catalog');
      expect(catalog).toBe(1);
      const second = await push(client, await importInput('store', path));
      expect(second).toMatchObject({ unchanged: true });
      const elsewhere = join(await temporaryFolder(), 'copy.tar.gz');
      await copyFile(path, elsewhere);
      expect(await push(client, await importInput('store', elsewhere))).toMatchObject({ unchanged: true });
      expect(await traces(inside)).toEqual(before);
      expect(await generation(inside.database.queries, 'catalog')).toBe(catalog);
    });
    const token = await inside.database.queries.selectFrom('Token').selectAll().executeTakeFirstOrThrow();
    expect(token).toMatchObject({
      kind: 'admin',
      accountId: 'ada',
      storeId: 'brand-devices',
      brandId: 'my-brand',
    });
  });

  test('brings back a file that was lost, although all that it says is here already', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const path = (await exported(outside.host)).files[0]?.path ?? '';
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      await push(client, await importInput('store', path));
      const { sha3_384: digest } = await inside.database.queries
        .selectFrom('SnapRevision')
        .select('sha3_384')
        .executeTakeFirstOrThrow();
      const file = inside.blobs.pathOf(parseBlobDigest(digest));
      const before = await readFile(file);
      await rm(file);
      expect(await push(client, await importInput('store', path))).toMatchObject({ unchanged: true });
      expect((await readFile(file)).equals(before)).toBe(true);
    });
  });

  test('moves on with a newer export, refuses to go back, and can be rolled back', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const older = (await exported(outside.host)).files[0]?.path ?? '';
    await outside.publish(
      { name: 'my-app', version: '3', type: 'app', base: 'my-base' },
      { store: 'brand-main', private: true, revision: 3, channels: ['latest/stable'] },
    );
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const newer = (await exported(outside.host)).files[0]?.path ?? '';
    const inside = await trustingHost(outside);
    const stable = () => heldBy(inside, 'my-app', 'stable');
    await on(inside, async (client) => {
      await push(client, await importInput('store', older));
      const before = await traces(inside);
      const update = await push(client, await importInput('store', newer));
      expect(update.changes).toMatchObject({ removed: 0 });
      expect(update.exporterPinned).toBe(false);
      expect(await stable()).toEqual([{ revision: 3 }]);
      expect(
        await refusal(push(client, await importInput('store', await flippedCopy(older, 1)))),
      ).toMatchObject({
        code: 'bundle-stale',
      });
      await client.workflow.execute(rollBackImport, {
        workflowId: 'roll-back',
        taskQueue: 'airlock',
        args: [{ to: null, dryRun: false, actor: 'operator' }],
      });
      expect(await stable()).toEqual([{ revision: 1 }]);
      expect(await traces(inside)).toEqual(before);
    });
  });

  test('takes away what left the store, when it is exported whole, and no more when it is not', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { queries } = outside.host.database;
    const exportedAgain = async (input?: StoreExport) => {
      await new Promise((resolve) => setTimeout(resolve, 1100));
      return (await exported(outside.host, input)).files[0]?.path ?? '';
    };
    const first = (await exported(outside.host)).files[0]?.path ?? '';
    // A channel is closed, and a snap goes to a store that these devices do not see.
    const at = new Date().toISOString();
    const other = { id: 'brand-other', name: 'Other', kind: 'brand', brandId: 'my-brand' } as const;
    await queries
      .insertInto('Store')
      .values({ ...other, createdAt: at, changedAt: at })
      .execute();
    await queries.updateTable('Snap').set({ storeId: other.id }).where('name', '=', 'my-app').execute();
    await outside.host.database.transaction((transaction) =>
      release(transaction, {
        snapId: snapIdOf('my-base'),
        revision: null,
        channels: ['latest/stable'],
        actor: 'my-brand',
        at,
      }),
    );
    const part = await exportedAgain(storeExport({ channels: ['latest/stable'], architectures: ['amd64'] }));
    const whole = await exportedAgain();
    const inside = await trustingHost(outside);
    const both = async () => [
      await heldBy(inside, 'my-app', 'stable'),
      await heldBy(inside, 'my-base', 'stable'),
    ];
    await on(inside, async (client) => {
      await push(client, await importInput('store', first));
      const present = await both();
      expect(present).toEqual([[{ revision: 1 }], [{ revision: 5 }]]);
      await push(client, await importInput('store', part));
      // A part tells of its own channels alone: the snap that left stays.
      expect(await both()).toEqual([[{ revision: 1 }], [{ revision: null }]]);
      expect(await planned(client, await importInput('store', whole))).toMatchObject({
        items: expect.arrayContaining([expect.objectContaining({ action: 'removed', subject: 'my-app' })]),
      });
      await push(client, await importInput('store', whole));
      expect(await both()).toEqual([[], [{ revision: null }]]);
      const back = { to: null, dryRun: false, actor: 'operator' };
      for (const workflowId of ['roll-back-whole', 'roll-back-part'])
        await client.workflow.execute(rollBackImport, { workflowId, taskQueue: 'airlock', args: [back] });
      expect(await both()).toEqual(present);
    });
  });

  test('is imported again by a push of the very file after some of it was removed, or it was rolled back', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const path = (await exported(outside.host)).files[0]?.path ?? '';
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      const input = await importInput('store', path);
      await push(client, input);
      const before = await traces(inside);
      await client.workflow.execute(removeSnaps, {
        workflowId: 'remove',
        taskQueue: 'airlock',
        args: [{ snap: 'my-base', revision: null, dryRun: false, actor: 'operator' }],
      });
      const plan = await planned(client, input);
      expect(plan).toMatchObject({ alreadyImported: false });
      expect(plan.items).toContainEqual(expect.objectContaining({ action: 'new', subject: 'my-base 5' }));
      const again = await push(client, input);
      expect(again.unchanged).toBe(false);
      expect(again.snaps.filter((snap) => snap.new).map(({ name }) => name)).toEqual(['my-base']);
      expect(await traces(inside)).toEqual(before);

      await client.workflow.execute(rollBackImport, {
        workflowId: 'roll-back-again',
        taskQueue: 'airlock',
        args: [{ to: null, dryRun: false, actor: 'operator' }],
      });
      expect((await push(client, input)).unchanged).toBe(false);
      expect(await traces(inside)).toEqual(before);
    });
  });

  test('is refused as older once a newer export is in force, although it was imported before, and put back when asked', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const older = (await exported(outside.host)).files[0]?.path ?? '';
    await outside.publish(
      { name: 'my-app', version: '3', type: 'app', base: 'my-base' },
      { store: 'brand-main', private: true, revision: 3, channels: ['latest/stable'] },
    );
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const newer = (await exported(outside.host)).files[0]?.path ?? '';
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      await push(client, await importInput('store', older));
      await push(client, await importInput('store', newer));
      const input = await importInput('store', older);
      expect((await planned(client, input)).items).toMatchObject([{ action: 'refused' }]);
      expect(await refusal(push(client, input))).toMatchObject({ code: 'bundle-stale' });
      expect(await heldBy(inside, 'my-app', 'stable')).toEqual([{ revision: 3 }]);
      const back = await push(client, await importInput('store', older, { allowOlder: true }));
      expect(back.unchanged).toBe(false);
      expect(await heldBy(inside, 'my-app', 'stable')).toEqual([{ revision: 1 }]);
    });
  });

  test('of one snap: an older channel map is taken over only when that is asked for, and a newer one any time', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const snapExport = () =>
      on(outside.host, async (client) => {
        const made = await client.workflow.execute(exportSnaps, {
          workflowId: `export-snaps/${Math.random()}`,
          taskQueue: 'airlock',
          args: [
            {
              kind: 'snaps',
              names: ['my-app'],
              packages: [],
              channels: ['latest/stable'],
              architectures: ['amd64'],
              store: null,
              exportDir: null,
              actor: 'operator',
            },
          ],
        });
        return made.files[0]?.path ?? '';
      });
    const older = await snapExport();
    await outside.publish(
      { name: 'my-app', version: '3', type: 'app', base: 'my-base' },
      { store: 'brand-main', private: true, revision: 3, channels: ['latest/stable'] },
    );
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const newer = await snapExport();
    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      const pushSnap = async (path: string, allowOlder = false) => {
        const input = await importInput('snap', path, { pushChannelMap: true, allowOlder });
        return client.workflow.execute(importSnap, {
          workflowId: `import/${input.digest}`,
          taskQueue: 'airlock',
          args: [input],
        });
      };
      await pushSnap(newer);
      const why = await refusal(pushSnap(older));
      expect(why.code).toBe('bundle-stale');
      expect(why.message).toMatch(
        /^cannot take over the channel map: latest\/stable of my-app got revision 3 .*--allow-older$/,
      );
      expect(await heldBy(inside, 'my-app', 'stable')).toEqual([{ revision: 3 }]);
      await pushSnap(older, true);
      expect(await heldBy(inside, 'my-app', 'stable')).toEqual([{ revision: 1 }]);
      expect(await pushSnap(newer)).toMatchObject({ unchanged: false, snaps: [{ channelsMoved: true }] });
      expect(await heldBy(inside, 'my-app', 'stable')).toEqual([{ revision: 3 }]);
      expect(await pushSnap(newer)).toMatchObject({ unchanged: true });
    });
    // The same revision, released once more: that is written, and no channel holds anything else.
    await outside.host.database.queries
      .updateTable('ChannelRelease')
      .set({ releasedAt: '2031-01-01T00:00:00.000Z' })
      .where('snapId', '=', snapIdOf('my-app'))
      .where('risk', '=', 'stable')
      .where('endedAt', 'is', null)
      .execute();
    const again = await snapExport();
    await on(inside, async (client) => {
      const input = await importInput('snap', again, { pushChannelMap: true });
      const released = {
        action: 'updated',
        kind: 'channel',
        subject: 'my-app latest/stable amd64',
        detail: 'revision 3 as before, released anew at 2031-01-01T00:00:00.000Z',
      };
      const parts = {
        database: inside.database,
        blobs: inside.blobs,
        now: new Date(),
        runId: 'run',
        attempt: 1,
      };
      expect((await planOf(input, false, parts)).items).toContainEqual(released);
      const before = await catalogState(inside.database.queries);
      const done = await client.workflow.execute(importSnap, {
        workflowId: `import/${input.digest}`,
        taskQueue: 'airlock',
        args: [input],
      });
      expect(done).toMatchObject({
        unchanged: false,
        snaps: [{ revision: 3, new: false, channelsMoved: false }],
      });
      expect(catalogDifference(before, await catalogState(inside.database.queries))).toContainEqual(released);
      expect(await heldBy(inside, 'my-app', 'stable')).toEqual([{ revision: 3 }]);
    });
  });

  test('is refused, and leaves nothing, when a byte of it was changed', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const path = (await exported(outside.host)).files[0]?.path ?? '';
    const inside = await trustingHost(outside);
    const before = await traces(inside);
    const broken = await flippedCopy(path, 100_000);
    await on(inside, async (client) => {
      const why = await refusal(push(client, await importInput('store', broken)));
      expect(why.code).toBe('member-digest-wrong');
      expect(why.message).toMatch(/^cannot accept "snaps\/[a-z-]+_\d\.snap": /);
    });
    expect(await traces(inside)).toEqual(before);
    const log = await inside.database.queries.selectFrom('AuditEntry').selectAll().execute();
    expect(log).toMatchObject([{ act: 'import.refuse', details: { code: 'member-digest-wrong' } }]);
  });

  test('is refused, and leaves nothing, when its root is not trusted here', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const path = (await exported(outside.host)).files[0]?.path ?? '';
    const stranger = await newOutside();
    const inside = await trustingHost(stranger);
    const before = await traces(inside);
    await on(inside, async (client) => {
      const why = await refusal(push(client, await importInput('store', path)));
      expect(why.code).toBe('not-trusted');
      expect(why.message).toBe(
        'cannot accept assertions/store.assert, keys/account-keys.assert: ' +
          `cannot trust account-key ${outside.chain.rootSigner.publicKey.keyId}: it is the root of test-root, which is not trusted here; ` +
          'compare this fingerprint with what its authority says, then run "airlock trust add FILE"',
      );
    });
    expect(await traces(inside)).toEqual(before);
  });

  test('is refused when another machine exported it than before', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const path = (await exported(outside.host)).files[0]?.path ?? '';
    const inside = await trustingHost(outside);
    await on(inside, async (client) => push(client, await importInput('store', path)));
    await outside.host.database.queries
      .deleteFrom('Setting')
      .where('key', '=', 'exporter.private-key')
      .execute();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const foreign = (await exported(outside.host)).files[0]?.path ?? '';
    const before = await traces(inside);
    await on(inside, async (client) => {
      expect(await refusal(push(client, await importInput('store', foreign)))).toMatchObject({
        code: 'exporter-foreign',
      });
    });
    expect(await traces(inside)).toEqual(before);
  });

  test('is refused when it contradicts what is here: a store of another brand, a snap of another store, other bytes', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const path = (await exported(outside.host)).files[0]?.path ?? '';
    const at = new Date().toISOString();
    const contradictions: readonly (readonly [string, (host: Host) => Promise<unknown>])[] = [
      [
        'store-of-other-brand',
        ({ database }) =>
          database.queries
            .insertInto('Store')
            .values({
              id: 'brand-main',
              name: 'Theirs',
              kind: 'brand',
              brandId: 'other',
              createdAt: at,
              changedAt: at,
            })
            .execute(),
      ],
      [
        'snap-of-other-store',
        async ({ database }) => {
          await importedSnap(database.queries, 'other-store', 1, 'a'.repeat(96), at);
        },
      ],
      [
        'revision-conflict',
        async ({ database }) => {
          await importedSnap(database.queries, 'brand-main', 1, 'a'.repeat(96), at);
        },
      ],
    ];
    for (const [code, contradict] of contradictions) {
      const inside = await trustingHost(outside);
      await contradict(inside);
      const before = await traces(inside);
      await on(inside, async (client) => {
        expect((await refusal(push(client, await importInput('store', path)))).code).toBe(code);
      });
      expect(await traces(inside)).toEqual(before);
    }
  });
});

/** A revision of my-app that is here already. */
async function importedSnap(
  queries: Queries,
  storeId: string,
  revision: number,
  digest: string,
  at: string,
): Promise<void> {
  const snapId = snapIdOf('my-app');
  await queries
    .insertInto('Snap')
    .values({
      snapId,
      name: 'my-app',
      storeId,
      publisherId: 'my-brand',
      private: true,
      type: 'app',
      title: '',
      summary: '',
      description: '',
      license: null,
      contact: null,
      website: null,
      links: {},
      media: [],
      categories: [],
      defaultTrack: null,
      createdAt: at,
      changedAt: at,
    })
    .execute();
  await queries
    .insertInto('SnapRevision')
    .values({
      snapId,
      revision,
      sha3_384: digest,
      size: 1,
      version: '1',
      type: 'app',
      architectures: ['amd64'],
      base: null,
      confinement: 'strict',
      grade: 'stable',
      epoch: { read: [0], write: [0] },
      snapYaml: '',
      provenance: 'global-upload',
      createdAt: at,
    })
    .execute();
}
