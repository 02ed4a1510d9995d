import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';

/**
 * Holds locks by name until the transaction ends: whoever asks for one of them meanwhile waits, and sees then what this
 * transaction wrote. For decisions that no unique row makes: on PostgreSQL two transactions would both count before either
 * has written. The embedded engine runs one writing transaction at a time, and needs none.
 */
export async function holdLocks(
  queries: Queries,
  kind: Database['kind'],
  names: Iterable<string>,
): Promise<void> {
  if (kind === 'libsql') return;
  // In one order for everybody, so that no two wait for each other.
  const keys = [...new Set([...names].map(lockKey))].toSorted((a, b) => (a < b ? -1 : 1));
  if (keys.length === 0) return;
  const rows = sql.join(keys.map((key) => sql`(${String(key)}::bigint)`));
  await sql`select pg_advisory_xact_lock(held.key) from (values ${rows}) as held(key)`.execute(queries);
}

/** How often a process looks whether another has done its work. */
const LOOK_AGAIN_MS = 20;
/** How SQLite says that another has the file. */
const SQLITE_BUSY = 5;

/** The end of the newest work under each name, in this process. */
const queues = new Map<string, Promise<void>>();

/**
 * Runs work while nobody else runs any under the same name: for work that touches files beside rows, and so cannot all be in
 * one transaction. Work may open transactions of its own. Never nest two under one name. The processes that share a database
 * wait for each other too, and one that dies holds nothing.
 */
export async function withLock<Result>(
  database: Pick<Database, 'kind' | 'location' | 'transaction'>,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  // Within the process first: at most one connection of the pool waits for other processes, and work always finds one.
  const before = queues.get(name);
  const turn = Promise.withResolvers<void>();
  queues.set(name, turn.promise);
  try {
    await before;
    if ('file' in database.location)
      return await withLockedFile(`${database.location.file}-${name}.lock`, work);
    return await database.transaction(async (queries) => {
      await holdLocks(queries, database.kind, [name]);
      return work();
    });
  } finally {
    if (queues.get(name) === turn.promise) queues.delete(name);
    turn.resolve();
  }
}

/**
 * Runs work while no other process holds the file, which is an empty SQLite database: its lock ends with the process that has it,
 * however that ends. The file stays, as another process may have it open already.
 */
async function withLockedFile<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const file = new DatabaseSync(path, { timeout: 0 });
  try {
    while (!isTaken(file)) await sleep(LOOK_AGAIN_MS);
    return await work();
  } finally {
    file.close();
  }
}

function isTaken(file: DatabaseSync): boolean {
  try {
    file.exec('begin exclusive');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}

/** PostgreSQL knows locks by 64 bits: two names that share them only wait for each other without need. */
function lockKey(name: string): bigint {
  return createHash('sha256').update(`airlock lock\0${name}`).digest().readBigInt64BE();
}
