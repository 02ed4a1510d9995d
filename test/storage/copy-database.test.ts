import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyDatabase } from '../../src/storage/copy-database.ts';
import {
  appendAct,
  listActs,
  openDatabase,
  type Database,
  type DatabaseLocation,
} from '../../src/storage/index.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../support/postgresql.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const AT = '2026-11-21T08:00:00.000Z';
const ACT = {
  at: new Date(AT),
  actor: 'operator',
  act: 'store.import',
  subject: 'acme',
  details: { kind: 'serial', snaps: [1, 2], nested: { deep: null } },
};
const ASSERTION = {
  type: 'account',
  primaryKey: 'acme',
  sequenceKey: '',
  revision: 3,
  format: 0,
  authorityId: 'canonical',
  signKeyId: 'k'.repeat(64),
  trusted: true,
  bytes: Buffer.from([0, 1, 254, 255]),
  addedAt: AT,
};
const REVISION = {
  snapId: 's'.repeat(32),
  revision: 7,
  sha3_384: 'a'.repeat(96),
  size: 9_007_199_254_740_991,
  version: '1.0',
  type: 'app',
  architectures: ['amd64', 'arm64'],
  base: null,
  confinement: 'strict',
  grade: 'stable',
  epoch: { read: [0, 1], write: [1] },
  snapYaml: 'name: ünïcode\n',
  provenance: 'global-upload',
  createdAt: AT,
};

async function using<T>(location: DatabaseLocation, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(location);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** One row with each kind of value, and more settings than a page of the copy holds. */
function fill({ transaction }: Database): Promise<void> {
  return transaction(async (queries) => {
    await appendAct(queries, ACT);
    await queries.insertInto('StoredAssertion').values(ASSERTION).execute();
    await queries.insertInto('SnapRevision').values(REVISION).execute();
    for (let n = 0; n < 250; n++)
      await queries
        .insertInto('Setting')
        .values({ key: `test.${n}`, value: `value ${n}`, sealed: n % 2 === 0, changedAt: AT })
        .execute();
    await queries
      .insertInto('Setting')
      .values({ key: 'backup.key.1', value: 'the key of a backup', sealed: true, changedAt: AT })
      .execute();
  });
}

async function contents({ queries }: Database) {
  const [assertion] = await queries.selectFrom('StoredAssertion').selectAll().execute();
  return {
    acts: await listActs(queries, { limit: 9 }),
    assertion: assertion && { ...assertion, bytes: [...assertion.bytes] },
    revisions: await queries.selectFrom('SnapRevision').selectAll().execute(),
    settings: (await queries.selectFrom('Setting').selectAll().execute()).toSorted((a, b) =>
      a.key < b.key ? -1 : 1,
    ),
  };
}

const file = async (): Promise<DatabaseLocation> => ({
  file: join(await temporaryFolder(), 'database.sqlite'),
});
const postgresql = async (): Promise<DatabaseLocation> => ({ postgresql: await temporaryPostgreSql() });

describe.skipIf(!hasPostgreSql)('a copy of the database', () => {
  it.each([
    ['PostgreSQL', 'the embedded database', postgresql, file],
    ['the embedded database', 'PostgreSQL', file, postgresql],
  ] as const)('from %s to %s holds every row as it was', async (_from, _to, openFrom, openTo) => {
    const [from, to] = [await openFrom(), await openTo()];
    await using(from, fill);
    expect(await copyDatabase(from, to, { forget: 'backup.key.' })).toBe(true);

    const before = await using(from, contents);
    const after = await using(to, contents);
    expect(before.settings).toHaveLength(251);
    expect(after).toEqual({
      ...before,
      settings: before.settings.filter(({ key }) => key !== 'backup.key.1'),
    });
    await using(to, ({ queries }) => appendAct(queries, ACT));
    expect((await using(to, contents)).acts.map(({ id }) => id).toSorted()).toEqual([1, 2]);
  });

  it.each([
    ['PostgreSQL', 'the embedded database', postgresql, file],
    ['the embedded database', 'PostgreSQL', file, postgresql],
  ] as const)(
    'from %s to %s gives no id again, though its row is gone',
    async (_from, _to, openFrom, openTo) => {
      const places = [await openFrom(), await openTo(), await openFrom()] as const;
      const [from, to, back] = places;
      const add = (revision: number, location: DatabaseLocation) =>
        using(location, ({ queries }) =>
          queries
            .insertInto('SnapRevision')
            .values({ ...REVISION, revision })
            .returning('id')
            .executeTakeFirstOrThrow(),
        );
      await using(from, fill);
      expect(await add(8, from)).toEqual({ id: 2 });
      await using(from, ({ queries }) => queries.deleteFrom('SnapRevision').execute());
      await copyDatabase(from, to);
      await copyDatabase(to, back);
      for (const copy of [to, back]) {
        expect(await add(9, copy)).toEqual({ id: 3 });
        // A table that never had a row counts from its beginning.
        const channel = { snapName: 's', channel: 'edge', architecture: 'all', revision: 1, changedAt: AT };
        expect(
          await using(copy, ({ queries }) =>
            queries.insertInto('ChannelOverride').values(channel).returning('id').executeTakeFirstOrThrow(),
          ),
        ).toEqual({ id: 1 });
      }
    },
  );

  it('is not made where rows are already', async () => {
    const [from, to] = [await file(), await postgresql()];
    await using(from, fill);
    await using(to, ({ queries }) => appendAct(queries, ACT));
    expect(await copyDatabase(from, to)).toBe(false);
    expect((await using(to, contents)).settings).toEqual([]);
  });
});
