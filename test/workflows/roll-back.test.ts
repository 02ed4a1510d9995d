import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createBlobActivities } from '../../src/activities/blobs.ts';
import { errorOfFailure, withFailures } from '../../src/activities/errors.ts';
import { createImportActivities } from '../../src/activities/imports.ts';
import { checkSqlite } from '../../src/backup/sqlite.ts';
import { putStore, release } from '../../src/storage/authority/index.ts';
import { revokeToken } from '../../src/storage/model-service/index.ts';
import {
  BlobPlaces,
  copyDatabase,
  openFileBlobStore,
  parseBlobDigest,
  SettingStore,
  type DatabaseLocation,
} from '../../src/storage/index.ts';
import type {
  ImportInput,
  ImportOutcome,
  RemovalOutcome,
  RollBackOutcome,
} from '../../src/workflows/import-contract.ts';
import {
  exportSnaps,
  exportStore,
  importSnap,
  importStore,
  removeSnaps,
  rollBackImport,
} from '../../src/workflows/index.ts';
import { put } from '../storage/blob-store-contract.ts';
import { publishComponent } from './components.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../support/postgresql.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';
import {
  AT,
  importInput,
  newHost,
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

const LATER = new Date(Date.now() + 10 * 24 * 3600_000);
const SEALER = { seal: (_: string, secret: string) => secret, open: (_: string, sealed: string) => sealed };
const BRAND = { store: 'brand-main', private: true };

/** What an operator does to one host. */
interface Operator {
  readonly push: (path: string, allowOlder?: boolean) => Promise<ImportOutcome>;
  readonly remove: (snap: string, revision?: number) => Promise<RemovalOutcome>;
  readonly prune: (dryRun?: boolean) => Promise<RemovalOutcome>;
  readonly rollBack: (to?: number, dryRun?: boolean, changes?: boolean) => Promise<RollBackOutcome>;
}

function at<Answer>(host: Host, work: (operator: Operator) => Promise<Answer>): Promise<Answer> {
  return withWorkers(temporal, workersOf(host), ({ workflow }) => {
    const removal = { revision: null, dryRun: false, actor: 'operator' };
    const remove = (over: { snap: string | null; revision?: number; dryRun?: boolean }) =>
      workflow.execute(removeSnaps, { ...newRun(), args: [{ ...removal, ...over }] });
    return work({
      push: async (path, allowOlder = false) => {
        const input = await importInput('store', path, { allowOlder });
        return workflow.execute(importStore, { ...newRun(), args: [input] });
      },
      remove: (snap, revision) => remove({ snap, ...(revision !== undefined && { revision }) }),
      prune: (dryRun = false) => remove({ snap: null, dryRun }),
      rollBack: (to, dryRun = false, changes = true) => {
        const input = { to: to ?? null, dryRun, changes, actor: 'operator' };
        return workflow.execute(rollBackImport, { ...newRun(), args: [input] });
      },
    });
  });
}

const activitiesOf = ({ database, blobs }: Host) =>
  createImportActivities({
    database,
    blobs,
    now: () => new Date(),
    accountKeyPushed: async () => undefined,
  });
const newRun = () => ({ workflowId: `test/${randomUUID()}`, taskQueue: 'airlock' });
const workersOf = ({ activities }: Host) => ({ airlock: activities, transfer: activities });

/** Archives of the outside host: the journey, then one with a newer my-app, without the old base, and another name of the store. */
async function twoExports(outside: Outside): Promise<readonly [string, string]> {
  await outside.publishJourney();
  const first = await exportOf(outside);
  await outside.publish(
    { name: 'my-app', version: '3', type: 'app', base: 'my-base', payload: 300_000 },
    { ...BRAND, revision: 3, channels: ['latest/stable'] },
  );
  await outside.publish(
    { name: 'my-tool', version: '1', type: 'app', base: 'my-base' },
    { ...BRAND, revision: 1, channels: ['latest/stable'] },
  );
  const { queries } = outside.host.database;
  await queries.updateTable('Store').set({ name: 'Renamed' }).where('id', '=', 'brand-devices').execute();
  await queries.updateTable('Account').set({ displayName: 'Ada L.' }).where('id', '=', 'ada').execute();
  await queries.updateTable('Snap').set({ title: 'Mine' }).where('name', '=', 'my-app').execute();
  await queries.deleteFrom('StoreInclusionSnap').where('snapName', '=', 'my-base').execute();
  return [first, await exportOf(outside)];
}

/** An archive of the outside host as it is now. */
async function exportOf(outside: Outside): Promise<string> {
  // A folder of its own: names of archives carry the second in which they were made.
  const input = storeExport({ exportDir: await temporaryFolder() });
  const made = await withWorkers(temporal, workersOf(outside.host), (client) =>
    client.workflow.execute(exportStore, { ...newRun(), args: [input] }),
  );
  return made.files[0]?.path ?? '';
}

/** An archive of one snap of it. */
async function exportedSnap(outside: Outside, name: string): Promise<string> {
  const exportDir = await temporaryFolder();
  const made = await withWorkers(temporal, workersOf(outside.host), (client) =>
    client.workflow.execute(exportSnaps, {
      ...newRun(),
      args: [
        {
          kind: 'snaps',
          names: [name],
          packages: [],
          channels: ['latest/stable'],
          architectures: ['amd64'],
          store: null,
          exportDir,
          actor: 'operator',
        },
      ],
    }),
  );
  return made.files[0]?.path ?? '';
}

/** Every row that devices, publishers and administrators could see the effect of. */
async function tables({ database: { queries } }: Host): Promise<string> {
  const names = [
    'Snap',
    'SnapRevision',
    'ChannelRelease',
    'Delta',
    'SnapResource',
    'SnapResourcePair',
    'Store',
    'StoreInclusion',
    'StoreInclusionSnap',
    'StoredAssertion',
    'Account',
    'StoreRole',
    'Token',
    'PinnedExporter',
  ] as const;
  const rows: Record<string, readonly string[]> = {};
  for (const name of names)
    rows[name] = (await queries.selectFrom(name).selectAll().execute())
      .map((row) => JSON.stringify(inOrder(row)))
      .toSorted();
  return JSON.stringify(rows, null, 1);
}

/** PostgreSQL keeps the keys of JSON in an order of its own. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.entries(value)
    .map(([key, inner]) => [key, inOrder(inner)])
    .toSorted();
}

const blobsOf = async ({ folder }: Host): Promise<readonly string[]> =>
  (await readdir(`${folder}/blobs`, { recursive: true })).filter((name) => name.length > 90).toSorted();

/** What the sweep of blobs would find in ten days. */
async function sweepLate(host: Host): Promise<void> {
  const { database, blobs: folder } = host;
  const blobs = new BlobPlaces({ folder, settings: new SettingStore(database, SEALER), database });
  const { sweepBlobs } = createBlobActivities({ database, blobs, clock: () => LATER });
  await new MockActivityEnvironment().run(sweepBlobs);
}

/** A delta between two revisions of my-app, as a worker makes it. */
async function makeDelta({ database: { queries }, blobs }: Host, from: number, to: number): Promise<void> {
  const snapId = snapIdOf('my-app');
  const digestOf = async (revision: number) =>
    queries
      .selectFrom('SnapRevision')
      .select('sha3_384')
      .where('snapId', '=', snapId)
      .where('revision', '=', revision)
      .executeTakeFirstOrThrow();
  const { digest, size } = await put(blobs, `from ${from} to ${to}`);
  await queries
    .insertInto('Delta')
    .values({
      snapId,
      format: 'xdelta3',
      sourceRevision: from,
      targetRevision: to,
      sourceSha3_384: (await digestOf(from)).sha3_384,
      targetSha3_384: (await digestOf(to)).sha3_384,
      sha3_384: digest,
      size,
      createdAt: AT.toISOString(),
    })
    .execute();
}

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const failed = await work.then(
    () => undefined,
    (error: unknown) => errorOfFailure(error),
  );
  if (failed === undefined) throw new Error('it was not refused');
  return { code: failed.code, message: failed.message };
}

const engines: readonly (readonly [string, () => Promise<DatabaseLocation | undefined>])[] = [
  ['libSQL', async () => undefined],
  ...(hasPostgreSql
    ? [['PostgreSQL', async () => ({ postgresql: await temporaryPostgreSql() })] as const]
    : []),
];

describe.each(engines)('a roll-back on %s', (_, location) => {
  test('puts back the state before any import or removal, one at a time or all at once', async () => {
    const outside = await newOutside();
    const [older, newer] = await twoExports(outside);
    const inside = await trustingHost(outside, await location());
    const states: string[] = [];
    const act = async (work: Promise<unknown>) => {
      await work;
      states.push(await tables(inside));
    };
    await at(inside, async ({ push, remove, rollBack }) => {
      await act(Promise.resolve());
      const history = async () => {
        await act(push(older));
        await makeDelta(inside, 1, 2);
        states.push(await tables(inside));
        await act(remove('my-app', 2));
        await act(push(newer));
        await act(remove('my-base'));
        await act(push(older, true));
      };
      await history();
      const all = await blobsOf(inside);
      await sweepLate(inside);
      expect(await blobsOf(inside)).toEqual(all);
      const [none, , first, removed, second, third, last] = states;
      expect(new Set(states).size).toBe(states.length);

      const plan = await rollBack(1, true);
      expect(plan).toMatchObject({ applied: false, moreItems: 0, removedBlobs: 0 });
      expect(plan.undone.map(({ id, kind }) => [id, kind])).toEqual([
        [5, 'store'],
        [4, 'removal'],
        [3, 'store'],
        [2, 'removal'],
        [1, 'store'],
      ]);
      expect(plan.items.map(({ action }) => action)).toEqual(plan.items.map(() => 'removed'));
      expect(await tables(inside)).toBe(last);

      for (const before of [third, second, removed, first]) {
        const listed = before !== removed;
        const { undone, items } = await rollBack(undefined, false, listed);
        expect({ undone: undone.length, items: items.length > 0 }).toEqual({ undone: 1, items: listed });
        expect(await tables(inside)).toBe(before);
      }
      expect((await rollBack()).undone).toMatchObject([{ id: 1 }]);
      expect(await tables(inside)).toBe(none);
      expect(await blobsOf(inside)).toEqual([]);
      expect(await refusal(rollBack())).toMatchObject({ code: 'nothing-to-roll-back' });

      await history();
      const standing = await inside.database.queries
        .selectFrom('ImportRecord')
        .select('id')
        .where('outcome', '!=', 'rolled-back')
        .orderBy('id')
        .execute();
      expect((await rollBack(standing[0]?.id)).undone.map(({ id }) => id)).toEqual(
        standing.map(({ id }) => id).toReversed(),
      );
      expect(await tables(inside)).toBe(none);
      expect(await blobsOf(inside)).toEqual([]);
      expect(await inside.database.queries.selectFrom('UndoBlob').selectAll().execute()).toEqual([]);
    });
  }, 300_000);
});

describe.each(engines)('an attempt that was given up for lost on %s', (_, location) => {
  test('and ends while the next one waits leaves that nothing more to do', async () => {
    const outside = await newOutside();
    const [older, newer] = await twoExports(outside);
    const inside = await trustingHost(outside, await location());
    await at(inside, async ({ push }) => {
      await push(older);
      await push(newer);
    });
    const first = activitiesOf(inside);
    const one = new MockActivityEnvironment();
    /** What comes second begins its transaction when `late` is over. */
    const after = (late: () => Promise<unknown>) => {
      const { database } = inside;
      const transaction: typeof database.transaction = async (work) => {
        await late();
        return database.transaction(work);
      };
      return activitiesOf({ ...inside, database: { ...database, transaction } });
    };

    const removal = { snap: 'my-app', revision: 1, dryRun: false, actor: 'operator' };
    const removed: unknown[] = [];
    const { removeSnaps: removeAgain } = after(async () =>
      removed.push(await one.run(first.removeSnaps, removal)),
    );
    removed.push(await one.run(removeAgain, removal));
    expect(removed[1]).toEqual(removed[0]);
    expect(removed[0]).toMatchObject({ applied: true });

    const { rollBackImport: rollBackAgain } = after(() => one.run(first.rollBackImport, 'operator'));
    expect(await one.run(rollBackAgain, 'operator')).toMatchObject({ applied: true, undone: [{ id: 3 }] });
    const left = await inside.database.queries
      .selectFrom('ImportRecord')
      .select(['id', 'outcome'])
      .orderBy('id')
      .execute();
    expect(left).toEqual([
      { id: 1, outcome: 'imported' },
      { id: 2, outcome: 'imported' },
      { id: 3, outcome: 'rolled-back' },
    ]);
  }, 120_000);
});

describe.each(engines)('a roll-back beside a push on %s', (_, location) => {
  /** Digests of files that rows name and the store has not. */
  async function lostFiles({ database, blobs }: Host): Promise<readonly string[]> {
    const rows = await database.queries.selectFrom('SnapRevision').select('sha3_384').execute();
    const named = rows.map((row) => parseBlobDigest(row.sha3_384));
    const there = await blobs.findAll(named);
    return named.filter((digest) => !there.has(digest));
  }

  test('takes no file away that a push has just found', async () => {
    const outside = await newOutside();
    const [older, newer] = await twoExports(outside);
    const inside = await trustingHost(outside, await location());
    await at(inside, ({ push }) => push(older));
    const activities = activitiesOf(inside);
    const pushing: Host = {
      ...inside,
      activities: withFailures({
        ...activities,
        commitImport: (input: ImportInput) => {
          const findAll = inside.blobs.findAll.bind(inside.blobs);
          vi.spyOn(inside.blobs, 'findAll').mockImplementationOnce(async (digests) => {
            const found = await findAll(digests);
            await new MockActivityEnvironment().run(activities.rollBackImport, 'operator');
            return found;
          });
          return activities.commitImport(input);
        },
      }),
    };
    await at(pushing, async ({ push }) => {
      expect(await refusal(push(newer))).toMatchObject({ code: 'file-changed' });
    });
    expect(await lostFiles(inside)).toEqual([]);
    await at(inside, ({ push }) => push(newer));
    expect(await lostFiles(inside)).toEqual([]);
  }, 120_000);

  test('takes no file away that a push has named meanwhile', async () => {
    const outside = await newOutside();
    const [older, newer] = await twoExports(outside);
    const inside = await trustingHost(outside, await location());
    await at(inside, ({ push }) => push(older));
    const activities = activitiesOf(inside);
    const adopted = Promise.withResolvers<void>();
    const removing = Promise.withResolvers<void>();
    const committed = { yet: false };
    const commit = activities.commitImport;
    const pushing: Host = {
      ...inside,
      activities: withFailures({
        ...activities,
        commitImport: async (input: ImportInput) => {
          const findAll = inside.blobs.findAll.bind(inside.blobs);
          vi.spyOn(inside.blobs, 'findAll').mockImplementationOnce(async (digests) => {
            const found = await findAll(digests);
            adopted.resolve();
            await removing.promise;
            return found;
          });
          return commit(input).finally(() => {
            committed.yet = true;
          });
        },
      }),
    };
    const remove = inside.blobs.remove.bind(inside.blobs);
    vi.spyOn(inside.blobs, 'remove').mockImplementationOnce(async (digest) => {
      removing.resolve();
      // Rows of the push come in here, or not before this is over.
      for (let turn = 0; turn < 500 && !committed.yet; turn += 1) {
        await setImmediate();
        await inside.database.queries.selectFrom('Generation').selectAll().execute();
      }
      await remove(digest);
    });
    await at(pushing, async ({ push }) => {
      const outcome = refusal(push(newer));
      await adopted.promise;
      await new MockActivityEnvironment().run(activities.rollBackImport, 'operator');
      expect(await outcome).toMatchObject({ code: 'file-changed' });
    });
    expect(await lostFiles(inside)).toEqual([]);
  }, 120_000);
});

describe('a roll-back', () => {
  test('of a store goes back to its snaps alone, where they were pushed before it', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const inside = await trustingHost(outside);
    const alone = await importInput('snap', await exportedSnap(outside, 'my-app'));
    const whole = await exportOf(outside);
    await withWorkers(temporal, workersOf(inside), ({ workflow }) =>
      workflow.execute(importSnap, { ...newRun(), args: [alone] }),
    );
    const before = await tables(inside);
    await at(inside, async ({ push, rollBack }) => {
      await push(whole);
      expect(await tables(inside)).not.toBe(before);
      await rollBack();
    });
    expect(await tables(inside)).toBe(before);
  });

  test.skipIf(!hasPostgreSql)(
    'goes on after the rows were taken to the other engine, with its files',
    async () => {
      const outside = await newOutside();
      const [older] = await twoExports(outside);
      const inside = await trustingHost(outside);
      await at(inside, async ({ push, remove }) => {
        await push(older);
        await remove('my-app', 1);
      });
      const file = `${inside.folder}/database.sqlite`;
      const kept = await inside.database.queries.selectFrom('UndoBlob').select('sha3_384').execute();
      expect(kept).toHaveLength(1);
      // What a backup must hold, by the check that verifies one.
      expect((await checkSqlite(file, { airlock: true, signal: undefined })).blobs).toEqual(
        expect.arrayContaining(kept.map(({ sha3_384 }) => sha3_384)),
      );
      const before = await tables(inside);
      const location = { postgresql: await temporaryPostgreSql() };
      await copyDatabase({ file }, location);
      const opened = await newHost(location);
      expect(await tables(opened)).toBe(before);
      const blobs = await openFileBlobStore(`${inside.folder}/blobs`, `${inside.folder}/staging`);
      const restored = { ...opened, blobs, activities: activitiesOf({ ...opened, blobs }) };
      await at(inside, ({ rollBack }) => rollBack());
      await at(restored, ({ rollBack }) => rollBack());
      expect(await tables(restored)).toBe(await tables(inside));
    },
    120_000,
  );

  test('is refused, and changes nothing, where an act of another sort came in between', async () => {
    const outside = await newOutside();
    const [older, newer] = await twoExports(outside);
    const acts: readonly (readonly [RegExp, (host: Host) => Promise<unknown>])[] = [
      [
        /the channel latest\/stable of my-app for amd64 was changed since/,
        ({ database }) =>
          database.transaction((queries) =>
            release(queries, {
              snapId: snapIdOf('my-app'),
              revision: 2,
              channels: ['latest/stable'],
              actor: 'publisher',
              at: LATER.toISOString(),
            }),
          ),
      ],
      [
        /its revision 3 was released to latest\/beta of my-app for amd64 since/,
        ({ database }) =>
          database.transaction((queries) =>
            release(queries, {
              snapId: snapIdOf('my-app'),
              revision: 3,
              channels: ['latest/beta'],
              actor: 'publisher',
              at: LATER.toISOString(),
            }),
          ),
      ],
      [
        /revision 7 of its snap my-tool came from elsewhere since/,
        async ({ database: { queries } }) => {
          const { id: _, ...row } = await queries
            .selectFrom('SnapRevision')
            .selectAll()
            .where('snapId', '=', snapIdOf('my-tool'))
            .executeTakeFirstOrThrow();
          await queries
            .insertInto('SnapRevision')
            .values({ ...row, revision: 7 })
            .execute();
        },
      ],
      [
        /the account ada was changed since/,
        ({ database: { queries } }) =>
          queries.updateTable('Account').set({ displayName: 'Theirs' }).where('id', '=', 'ada').execute(),
      ],
      [
        /the store brand-devices was changed since/,
        ({ database }) =>
          database.transaction((queries) =>
            putStore(
              queries,
              { id: 'brand-devices', name: 'Theirs', kind: 'device-view', brandId: 'my-brand', includes: [] },
              LATER,
            ),
          ),
      ],
      [
        /the store view-of-mine includes brand-main since/,
        ({ database }) =>
          database.transaction((queries) =>
            putStore(
              queries,
              {
                id: 'view-of-mine',
                name: 'Mine',
                kind: 'device-view',
                brandId: 'my-brand',
                includes: [{ storeId: 'brand-main', snaps: 'all' }],
              },
              LATER,
            ),
          ),
      ],
      [
        /the store below-it is a sub-store of brand-main since/,
        ({ database }) =>
          database.transaction((queries) =>
            putStore(
              queries,
              {
                id: 'below-it',
                name: 'Mine',
                kind: 'device-view',
                brandId: 'my-brand',
                parent: 'brand-main',
                includes: [],
              },
              LATER,
            ),
          ),
      ],
    ];
    for (const [sentence, act] of acts) {
      const inside = await trustingHost(outside);
      await at(inside, async ({ push, rollBack }) => {
        await push(older);
        await push(newer);
        await act(inside);
        const before = [await tables(inside), await blobsOf(inside)];
        for (const dryRun of [true, false]) {
          const refused = await refusal(rollBack(1, dryRun));
          expect(refused.code).toBe('roll-back-blocked');
          expect(refused.message).toMatch(/^cannot roll back import [12] \(store-export-\S+\): /);
          expect(refused.message).toMatch(sentence);
        }
        expect([await tables(inside), await blobsOf(inside)]).toEqual(before);
      });
    }
  }, 300_000);

  test('of something that is not there, or was undone already, is refused', async () => {
    const outside = await newOutside();
    const [older] = await twoExports(outside);
    const inside = await trustingHost(outside);
    await at(inside, async ({ push, rollBack }) => {
      expect(await refusal(rollBack())).toMatchObject({ code: 'nothing-to-roll-back' });
      await push(older);
      expect(await refusal(rollBack(7))).toMatchObject({ code: 'import-unknown' });
      await rollBack(1);
      expect(await refusal(rollBack(1))).toEqual({
        code: 'import-unknown',
        message:
          'cannot roll back import 1: there is none of that number that still stands; list-imports shows which do',
      });
    });
  });

  test('that is attempted again after a crash undoes nothing more', async () => {
    const outside = await newOutside();
    const [older, newer] = await twoExports(outside);
    const inside = await trustingHost(outside);
    await at(inside, async ({ push }) => {
      await push(older);
      await push(newer);
    });
    const { rollBackImport: attempt } = activitiesOf(inside);
    const one = new MockActivityEnvironment();
    // A process that began before there was a choice names the actor alone.
    expect(await one.run(attempt, 'operator')).toMatchObject({ undone: [{ id: 2 }] });
    expect(await one.run(attempt, 'operator')).toMatchObject({ undone: [{ id: 2 }] });
    const left = await inside.database.queries
      .selectFrom('ImportRecord')
      .select('outcome')
      .orderBy('id')
      .execute();
    expect(left).toEqual([{ outcome: 'imported' }, { outcome: 'rolled-back' }]);
  });

  test('does not make an admin’s revoked token good again, though the same archive is pushed again', async () => {
    const outside = await newOutside();
    const [older] = await twoExports(outside);
    const inside = await trustingHost(outside);
    const { queries } = inside.database;
    await at(inside, async ({ push, rollBack }) => {
      await push(older);
      const { sessionId } = await queries.selectFrom('Token').select('sessionId').executeTakeFirstOrThrow();
      await revokeToken(queries, sessionId, { actor: 'operator', at: AT });
      await rollBack();
      await push(older);
      expect(await queries.selectFrom('Token').select('revokedAt').execute()).toEqual([
        { revokedAt: AT.toISOString() },
      ]);
    });
  });
});

describe('a prune', () => {
  test('tells what it ends, frees what was kept for that alone, and leaves the way back to what needs none of it', async () => {
    const outside = await newOutside();
    const [older, newer] = await twoExports(outside);
    const inside = await trustingHost(outside);
    await at(inside, async ({ push, remove, prune, rollBack }) => {
      await push(older);
      const deleted = await remove('my-base');
      expect(deleted).toMatchObject({ applied: true, freedBytes: 0, past: null });
      expect(deleted.keptBytes).toBe(deleted.items[0]?.bytes);
      await push(newer);

      const plan = await prune(true);
      expect(plan).toMatchObject({
        applied: false,
        items: [{ name: 'my-app', revision: 1 }],
        past: { upToId: 3, acts: 3, items: [{ subject: 'my-base 5', bytes: deleted.keptBytes }] },
      });
      expect(plan.freedBytes).toBe((plan.items[0]?.bytes ?? 0) + deleted.keptBytes);
      const before = await blobsOf(inside);
      expect(await prune()).toEqual({ ...plan, applied: true });
      expect(await blobsOf(inside)).toHaveLength(before.length - 2);
      const refused = await refusal(rollBack());
      expect(refused.code).toBe('nothing-to-roll-back');
      expect(refused.message).toMatch(
        /^cannot roll back import 3 \(\S+\): prune removed at \S+ what it would bring back; push an archive/,
      );
      expect(await prune()).toMatchObject({ applied: false, items: [], past: null });

      const pruned = [await tables(inside), await blobsOf(inside)];
      await remove('my-tool');
      await push(older, true);
      expect((await rollBack(5)).undone.map(({ kind }) => kind)).toEqual(['store', 'removal']);
      expect([await tables(inside), await blobsOf(inside)]).toEqual(pruned);
      expect((await refusal(rollBack(3))).message).toMatch(/prune removed/);
    });
  });

  test('ends the way back past an import that let a revision go with a newer component, when the older one goes', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const yaml = 'components:\n  drivers:\n    type: standard\n';
    const kiosk = { name: 'my-kiosk', type: 'app', base: 'my-base', yaml } as const;
    const place = { ...BRAND, channels: ['latest/stable'] };
    const drivers = { snap: 'my-kiosk', name: 'drivers' };
    await outside.publish({ ...kiosk, version: '4' }, { ...place, revision: 4 });
    const old = await publishComponent(outside, {
      ...drivers,
      version: '1',
      revision: 1,
      snapRevisions: [4, 5],
    });
    const first = await exportOf(outside);
    await outside.publish({ ...kiosk, version: '5' }, { ...place, revision: 5 });
    const second = await exportOf(outside);
    await publishComponent(outside, { ...drivers, version: '2', revision: 2, snapRevisions: [5] });
    const third = await exportOf(outside);
    const inside = await trustingHost(outside);
    await at(inside, async ({ push, prune, rollBack }) => {
      for (const path of [first, second, third]) await push(path);
      expect(await blobsOf(inside)).toContainEqual(expect.stringContaining(old));
      expect((await rollBack(3, true)).undone).toHaveLength(1);
      expect(await prune()).toMatchObject({
        items: [{ name: 'my-kiosk', revision: 4 }],
        past: { upToId: 3, acts: 3, items: [] },
      });
      expect(await blobsOf(inside)).not.toContainEqual(expect.stringContaining(old));
      expect((await refusal(rollBack(3))).message).toMatch(/prune removed/);
    });
  });

  test('leaves nothing of a snap that was deleted before, be it a delta', async () => {
    const outside = await newOutside();
    const [older] = await twoExports(outside);
    const inside = await trustingHost(outside);
    await at(inside, async ({ push, remove, prune }) => {
      await push(older);
      await makeDelta(inside, 1, 2);
      const all = await blobsOf(inside);
      await remove('my-app');
      const { queries } = inside.database;
      expect(await queries.selectFrom('Delta').selectAll().execute()).toEqual([]);
      await sweepLate(inside);
      expect(await blobsOf(inside)).toEqual(all);
      const { past } = await prune();
      expect(past?.items.map(({ subject }) => subject)).toEqual([
        'my-app 1',
        'delta of my-app from 1 to 2',
        'my-app 2',
      ]);
      expect(await blobsOf(inside)).toHaveLength(all.length - 3);
    });
  });
});
