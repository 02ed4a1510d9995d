import { createHash } from 'node:crypto';
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

/** The end of the newest work under each name, in this process. */
const queues = new Map<string, Promise<void>>();

/**
 * Runs work while nobody else runs any under the same name: for work that touches files beside rows, and so cannot all be in
 * one transaction. Work may open transactions of its own. Never nest two under one name. The processes that share a PostgreSQL
 * wait for each other too; of the embedded engine there is one.
 */
export async function withLock<Result>(
  database: Pick<Database, 'kind' | 'transaction'>,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  // Within the process first: at most one connection of the pool waits for other processes, and work always finds one.
  const before = queues.get(name);
  const turn = Promise.withResolvers<void>();
  queues.set(name, turn.promise);
  try {
    await before;
    if (database.kind === 'libsql') return await work();
    return await database.transaction(async (queries) => {
      await holdLocks(queries, database.kind, [name]);
      return work();
    });
  } finally {
    if (queues.get(name) === turn.promise) queues.delete(name);
    turn.resolve();
  }
}

/** PostgreSQL knows locks by 64 bits: two names that share them only wait for each other without need. */
function lockKey(name: string): bigint {
  return createHash('sha256').update(`airlock lock\0${name}`).digest().readBigInt64BE();
}
