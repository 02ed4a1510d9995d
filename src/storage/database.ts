import { setTimeout as sleep } from 'node:timers/promises';
import type { InferKyselyDB } from '@mikro-orm/sql';
import { sql, type Kysely } from 'kysely';
import { AirlockError } from '../errors.ts';
import { closeOrm, openOrm, QUERY_OPTIONS, type DatabaseLocation } from './engine.ts';
import type { ENTITIES } from './entities/index.ts';

export type { DatabaseLocation } from './engine.ts';

/** The tables as queries see them: entity names, property names, converted values. */
export type Schema = InferKyselyDB<(typeof ENTITIES)[number], typeof QUERY_OPTIONS>;

/** Typed queries, on the database itself or inside a transaction of it. */
export type Queries = Kysely<Schema>;

/** How a database that answers is: one that is a copy of another, or was made so, takes no changes. */
export type DatabaseState = 'ok' | 'read-only';

/** The database of one appliance. Reads run on `queries`; everything that changes something runs in `transaction`. */
export interface Database {
  readonly kind: 'libsql' | 'postgresql';
  /** Where it is; an address may hold a password, and is shown nowhere. */
  readonly location: DatabaseLocation;
  readonly queries: Queries;
  /**
   * Runs `work` in one transaction, which is a writing one from its start. Never await the HSM, Temporal or the
   * network inside: the embedded engine has a single connection, and every other query waits meanwhile.
   */
  transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result>;
  /** How it is. Throws `database-unavailable` unless it answers, a PostgreSQL server within some seconds. */
  check(): Promise<DatabaseState>;
  /** Waits for the queries that were asked, then disconnects. */
  close(): Promise<void>;
}

/** A PostgreSQL server that says nothing for so long does not answer, for whoever asks how it is. */
const CHECK_MS = 5_000;

/**
 * Opens the database and brings its schema up to date.
 * @throws AirlockError `database-unavailable` when it cannot be opened, with the engine's reason as cause
 */
export async function openDatabase(location: DatabaseLocation): Promise<Database> {
  const orm = await openOrm(location);
  const queries = orm.em.fork().getKysely<Schema, typeof QUERY_OPTIONS>(QUERY_OPTIONS);
  return {
    kind: 'file' in location ? 'libsql' : 'postgresql',
    location,
    queries,
    transaction: (work) => queries.transaction().execute(work),
    async check() {
      const state =
        'file' in location ? ((await orm.isConnected()) ? 'ok' : undefined) : await stateOf(queries);
      if (state !== undefined) return state;
      throw new AirlockError(
        'unavailable',
        'database-unavailable',
        'cannot reach the database: check that it runs',
      );
    },
    close: () => closeOrm(orm),
  };
}

/** How a PostgreSQL server is; undefined where it does not answer soon. */
async function stateOf(queries: Queries): Promise<DatabaseState | undefined> {
  const asked = sql<{
    readonly readOnly: string;
  }>`select current_setting('transaction_read_only') as "readOnly"`;
  const answer = asked.execute(queries).then(
    ({ rows }) => (rows[0]?.readOnly === 'on' ? 'read-only' : 'ok'),
    () => undefined,
  );
  return Promise.race([answer, sleep(CHECK_MS, undefined, { ref: false })]);
}
