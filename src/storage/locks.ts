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

/** PostgreSQL knows locks by 64 bits: two names that share them only wait for each other without need. */
function lockKey(name: string): bigint {
  return createHash('sha256').update(`airlock lock\0${name}`).digest().readBigInt64BE();
}
