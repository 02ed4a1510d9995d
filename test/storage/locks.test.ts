import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase, withLock, type Database } from '../../src/storage/index.ts';
import { temporaryDatabase } from '../support/database.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../support/postgresql.ts';

async function onPostgreSql(): Promise<Database> {
  const database = await openDatabase({ postgresql: await temporaryPostgreSql() });
  onTestFinished(() => database.close());
  return database;
}

const engines: readonly (readonly [string, () => Promise<Database>])[] = [
  ['libSQL', () => temporaryDatabase()],
  ...(hasPostgreSql ? [['PostgreSQL', onPostgreSql] as const] : []),
];

describe.each(engines)('work under a lock on %s', (_, open) => {
  test('waits for the work before it, and runs transactions of its own, however many wait', async () => {
    const database = await open();
    const gate = Promise.withResolvers<void>();
    const inside = Promise.withResolvers<void>();
    const done: string[] = [];
    const first = withLock(database, 'a', async () => {
      inside.resolve();
      await gate.promise;
      await database.transaction((queries) => queries.selectFrom('Setting').selectAll().execute());
      done.push('first');
    });
    const others = Array.from({ length: 30 }, (_, index) =>
      withLock(database, 'a', async () => void done.push(`other ${index}`)),
    );
    await inside.promise;
    await withLock(database, 'b', async () => void done.push('another name'));
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    expect(done).toEqual(['another name']);
    gate.resolve();
    await Promise.all([first, ...others]);
    expect(done).toEqual(['another name', 'first', ...others.map((_, index) => `other ${index}`)]);
  });

  test('that fails lets the next in', async () => {
    const database = await open();
    const failing = withLock(database, 'a', () => Promise.reject(new Error('no')));
    const next = withLock(database, 'a', async () => 'in');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('in');
  });
});

test.skipIf(!hasPostgreSql)('a lock on PostgreSQL holds against other processes', async () => {
  const database = await onPostgreSql();
  const held = () =>
    database.queries
      .selectNoFrom(
        sql<string>`(
          select count(*) from pg_locks join pg_database on oid = database
          where locktype = 'advisory' and granted and datname = current_database())`.as('n'),
      )
      .executeTakeFirstOrThrow();
  expect(Number((await held()).n)).toBe(0);
  expect(Number((await withLock(database, 'a', held)).n)).toBe(1);
  expect(Number((await held()).n)).toBe(0);
});

test('a lock on an embedded database holds against other processes, and ends with the one that has it', async () => {
  const database = await temporaryDatabase();
  if (!('file' in database.location)) throw new Error('no embedded database');
  const other = fork(join(import.meta.dirname, 'lock-child.ts'), [database.location.file]);
  onTestFinished(() => void other.kill('SIGKILL'));
  await once(other, 'message');
  let lives = true;
  const waiting = withLock(database, 'a', async () => lives);
  expect(await withLock(database, 'b', async () => 'another name')).toBe('another name');
  // As long as it takes to look again and again: what the other process has is not had here.
  await sleep(200);
  lives = false;
  other.kill('SIGKILL');
  expect(await waiting).toBe(false);
});
