import type { InferKyselyDB } from '@mikro-orm/sql';
import type { Kysely } from 'kysely';
import { AirlockError } from '../errors.ts';
import { closeOrm, openOrm, QUERY_OPTIONS, type DatabaseLocation } from './engine.ts';
import type { ENTITIES } from './entities/index.ts';

export type { DatabaseLocation } from './engine.ts';

/** The tables as queries see them: entity names, property names, converted values. */
export type Schema = InferKyselyDB<(typeof ENTITIES)[number], typeof QUERY_OPTIONS>;

/** Typed queries, on the database itself or inside a transaction of it. */
export type Queries = Kysely<Schema>;

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
  /** Throws `database-unavailable` unless the database answers. */
  check(): Promise<void>;
  /** Waits for the queries that were asked, then disconnects. */
  close(): Promise<void>;
}

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
      if (!(await orm.isConnected())) {
        throw new AirlockError(
          'unavailable',
          'database-unavailable',
          'cannot reach the database: check that it runs',
        );
      }
    },
    close: () => closeOrm(orm),
  };
}
