import { MikroORM as LibSqlOrm } from '@mikro-orm/libsql';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM as PostgreSqlOrm } from '@mikro-orm/postgresql';
import type { GetKyselyOptions, InferKyselyDB } from '@mikro-orm/sql';
import { CompiledQuery, type DatabaseConnection, type Kysely } from 'kysely';
import { AirlockError } from '../errors.ts';
import { ENTITIES } from './entities/index.ts';
import { LIBSQL_MIGRATIONS, POSTGRESQL_MIGRATIONS } from './migrations/index.ts';

const QUERY_OPTIONS = {
  tableNamingStrategy: 'entity',
  columnNamingStrategy: 'property',
  convertValues: true,
} as const satisfies GetKyselyOptions;

function libSqlOrm(file: string) {
  return LibSqlOrm.init({
    entities: [...ENTITIES],
    dbName: file,
    extensions: [Migrator],
    logger: () => undefined,
    migrations: { migrationsList: LIBSQL_MIGRATIONS, snapshot: false },
    onCreateConnection: prepareLibSql,
  });
}

function postgreSqlOrm(url: string) {
  return PostgreSqlOrm.init({
    entities: [...ENTITIES],
    clientUrl: url,
    extensions: [Migrator],
    logger: () => undefined,
    migrations: { migrationsList: POSTGRESQL_MIGRATIONS, snapshot: false },
  });
}

/** The tables as queries see them: entity names, property names, converted values. */
export type Schema = InferKyselyDB<(typeof ENTITIES)[number], typeof QUERY_OPTIONS>;

/** Typed queries, on the database itself or inside a transaction of it. */
export type Queries = Kysely<Schema>;

/** Where the database is: a file of the embedded engine, or a PostgreSQL address (`postgresql://…`). */
export type DatabaseLocation = { readonly file: string } | { readonly postgresql: string };

/** The database of one appliance. Reads run on `queries`; everything that changes something runs in `transaction`. */
export interface Database {
  readonly kind: 'libsql' | 'postgresql';
  readonly queries: Queries;
  /**
   * Runs `work` in one transaction, which is a writing one from its start. Never await the HSM, Temporal or the
   * network inside: the embedded engine has a single connection, and every other query waits meanwhile.
   */
  transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result>;
  /** Throws `database-unavailable` unless the database answers. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the database and brings its schema up to date.
 * @throws AirlockError `database-unavailable` when it cannot be opened, with the engine's reason as cause
 */
export async function openDatabase(location: DatabaseLocation): Promise<Database> {
  const kind = 'file' in location ? 'libsql' : 'postgresql';
  const orm = await openOrm(location).catch((cause: unknown) => {
    const where = kind === 'libsql' ? 'the database file' : 'PostgreSQL';
    throw new AirlockError(
      'unavailable',
      'database-unavailable',
      `cannot open ${where}: check that it exists, is reachable and is not damaged`,
      { cause },
    );
  });
  const queries = orm.em.fork().getKysely<Schema, typeof QUERY_OPTIONS>(QUERY_OPTIONS);
  return {
    kind,
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
    close: () => orm.close(),
  };
}

async function openOrm(location: DatabaseLocation) {
  const orm = await ('file' in location ? libSqlOrm(location.file) : postgreSqlOrm(location.postgresql));
  await orm.migrator.up();
  return orm;
}

/**
 * libSQL's defaults do not suit a server: no waiting for a lock, no write-ahead log. Its driver aborts the whole
 * process on a boolean parameter, and a deferred transaction fails at once when another process wrote meanwhile.
 */
async function prepareLibSql(raw: unknown): Promise<void> {
  if (!isConnection(raw)) throw new TypeError('internal error: not a database connection');
  const execute = raw.executeQuery.bind(raw);
  raw.executeQuery = (query) =>
    execute({
      ...query,
      sql: query.sql === 'begin' ? 'begin immediate' : query.sql,
      parameters: query.parameters.map(boundValue),
    });
  for (const pragma of ['busy_timeout=5000', 'journal_mode=WAL', 'synchronous=FULL', 'foreign_keys=ON']) {
    await execute(CompiledQuery.raw(`pragma ${pragma}`));
  }
}

/**
 * What the driver can bind. JSON columns arrive as text but for objects with a `kind`, which the ORM takes for a part of
 * a query and hands on as they are.
 */
function boundValue(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value);
  const isPlain = typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
  return isPlain ? JSON.stringify(value) : value;
}

function isConnection(value: unknown): value is DatabaseConnection {
  return typeof value === 'object' && value !== null && 'executeQuery' in value;
}
