import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { MikroORM as LibSqlOrm } from '@mikro-orm/libsql';
import { describe, expect, it } from 'vitest';
import { ENTITIES } from '../../src/storage/entities/index.ts';
import { LIBSQL_MIGRATIONS } from '../../src/storage/migrations/index.ts';
import { generation, openDatabase, raiseGeneration } from '../../src/storage/index.ts';
import { systemFailure } from '../../src/system-failures.ts';
import { temporaryDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the database file', () => {
  it('has, after its migrations, exactly the tables of the entities', async () => {
    const file = join(await temporaryFolder(), 'database.sqlite');
    await (await openDatabase({ file })).close();
    const orm = await LibSqlOrm.init({ entities: [...ENTITIES], dbName: file });
    const difference = await orm.schema.getUpdateSchemaSQL({ safe: true });
    await orm.close();
    expect(difference.trim()).toBe('');
  });

  it('waits for a lock, keeps a write-ahead log and syncs each commit', async () => {
    const database = await temporaryDatabase();
    const { CompiledQuery } = await import('kysely');
    const journal = await database.queries.executeQuery(CompiledQuery.raw('pragma journal_mode'));
    const synchronous = await database.queries.executeQuery(CompiledQuery.raw('pragma synchronous'));
    expect(journal.rows).toEqual([{ journal_mode: 'wal' }]);
    expect(synchronous.rows).toEqual([{ synchronous: 2 }]);
  });

  it('leaves nothing behind of a transaction that fails', async () => {
    const database = await temporaryDatabase();
    await expect(
      database.transaction(async (queries) => {
        await raiseGeneration(queries, 'catalog');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await generation(database.queries, 'catalog')).toBe(0);
  });

  it('says of a full disk that it is full, and goes on when there is room again', async () => {
    const database = await temporaryDatabase();
    const { CompiledQuery } = await import('kysely');
    const pages = (most: number) =>
      database.queries.executeQuery(CompiledQuery.raw(`pragma max_page_count=${most}`));
    const fill = () =>
      database.transaction(async (queries) => {
        await raiseGeneration(queries, 'catalog');
        await queries
          .insertInto('Setting')
          .values({
            key: 'large',
            value: 'x'.repeat(2 ** 20),
            sealed: false,
            changedAt: '2026-01-01T00:00:00Z',
          })
          .execute();
      });
    await pages(1);
    await expect(fill()).rejects.toSatisfy((error) => systemFailure(error)?.code === 'disk-full');
    expect(await generation(database.queries, 'catalog')).toBe(0);
    await pages(2 ** 30);
    await fill();
    expect(await generation(database.queries, 'catalog')).toBe(1);
  });

  it('loses no write when two processes count at the same time', async () => {
    const file = join(await temporaryFolder(), 'database.sqlite');
    const database = await openDatabase({ file });
    const program = `
      import { openDatabase, raiseGeneration } from ${JSON.stringify(new URL('../../src/storage/index.ts', import.meta.url).href)};
      const database = await openDatabase({ file: ${JSON.stringify(file)} });
      for (let i = 0; i < 50; i++) await database.transaction((queries) => raiseGeneration(queries, 'catalog'));
      await database.close();`;
    const run = () =>
      promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program]);
    await Promise.all([run(), run()]);
    expect(await generation(database.queries, 'catalog')).toBe(100);
    await database.close();
  });

  it('says in one sentence that it cannot be opened', async () => {
    await expect(openDatabase({ file: '/nonexistent/folder/database.sqlite' })).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'database-unavailable',
    });
  });

  it('refuses one that a newer version has used, and leaves it as it is', async () => {
    const file = join(await temporaryFolder(), 'database.sqlite');
    const { CompiledQuery } = await import('kysely');
    const newer = await openDatabase({ file });
    await newer.queries.executeQuery(
      CompiledQuery.raw(`insert into mikro_orm_migrations (name, executed_at) values ('9999', '2040-01-01')`),
    );
    await newer.close();
    const before = stepsOf(file);
    await expect(openDatabase({ file })).rejects.toMatchObject({
      code: 'database-newer',
      message: expect.stringContaining('a newer version of Airlock has used it'),
    });
    expect(before).toHaveLength(LIBSQL_MIGRATIONS.length + 1);
    expect(stepsOf(file)).toEqual(before);
  });

  it('gives booleans, JSON and bytes back as they were put in', async () => {
    const { queries } = await temporaryDatabase();
    await queries
      .insertInto('StoredAssertion')
      .values({
        type: 'account',
        primaryKey: 'a',
        sequenceKey: '',
        sequence: null,
        revision: 0,
        format: 0,
        authorityId: 'a',
        signKeyId: 'k',
        snapId: null,
        accountId: 'a',
        trusted: true,
        bytes: Buffer.from([0, 255, 10]),
        addedAt: '2026-01-01T00:00:00.000Z',
      })
      .execute();
    const row = await queries
      .selectFrom('StoredAssertion')
      .select(['bytes', 'trusted'])
      .executeTakeFirstOrThrow();
    expect(row.trusted).toBe(true);
    expect(Buffer.from(row.bytes)).toEqual(Buffer.from([0, 255, 10]));
  });
});

/** The steps that a schema was made by. */
function stepsOf(file: string): unknown[] {
  const database = new DatabaseSync(file);
  try {
    return database.prepare('select name, executed_at from mikro_orm_migrations order by name').all();
  } finally {
    database.close();
  }
}
