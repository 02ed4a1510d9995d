import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM as LibSqlOrm } from '@mikro-orm/libsql';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM as PostgreSqlOrm, PostgreSqlConnection } from '@mikro-orm/postgresql';
import type { GetKyselyOptions } from '@mikro-orm/sql';
import { CompiledQuery, type DatabaseConnection } from 'kysely';
import { AirlockError } from '../errors.ts';
import { systemFailure } from '../system-failures.ts';
import { ENTITIES } from './entities/index.ts';
import { LIBSQL_MIGRATIONS, POSTGRESQL_MIGRATIONS } from './migrations/index.ts';

/** Queries speak in entity and property names, and in converted values. */
export const QUERY_OPTIONS = {
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

/** A connection that is silent for so long is asked whether its other end is still there: a cable that was cut says nothing. */
const KEEP_ALIVE_MS = 10_000;

function postgreSqlOrm(url: string) {
  return PostgreSqlOrm.init({
    entities: [...ENTITIES],
    clientUrl: url,
    driverOptions: { keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_MS },
    extensions: [Migrator],
    logger: () => undefined,
    migrations: { migrationsList: POSTGRESQL_MIGRATIONS, snapshot: false },
  });
}

/** Where the database is: a file of the embedded engine, or a PostgreSQL address (`postgresql://…`). */
export type DatabaseLocation = { readonly file: string } | { readonly postgresql: string };

/**
 * Connects, and brings the schema up to date.
 * @throws AirlockError `database-unavailable` when it cannot be opened, with the engine's reason as cause; `database-newer`; what
 * {@link systemFailure} tells
 */
export async function openOrm(location: DatabaseLocation) {
  try {
    const orm = await ('file' in location ? libSqlOrm(location.file) : postgreSqlOrm(location.postgresql));
    await requireKnownSteps(await orm.migrator.getExecuted(), () => orm.close());
    await orm.migrator.up();
    return orm;
  } catch (cause) {
    if (cause instanceof AirlockError) throw cause;
    const where = 'file' in location ? 'the database file' : 'PostgreSQL';
    const failure = systemFailure(cause, `open ${where}`);
    if (failure && failure.code !== 'database-unavailable') throw failure;
    throw new AirlockError(
      'unavailable',
      'database-unavailable',
      `cannot open ${where}: check that it exists, is reachable and is not damaged`,
      { cause },
    );
  }
}

/** What a newer version made of a schema means more than this one can keep true. */
async function requireKnownSteps(
  executed: readonly { readonly name: string }[],
  close: () => Promise<void>,
): Promise<void> {
  const known = new Set(LIBSQL_MIGRATIONS.map(({ name }) => name));
  if (executed.every(({ name }) => known.has(name))) return;
  await close();
  throw new AirlockError(
    'conflict',
    'database-newer',
    'cannot open the database: a newer version of Airlock has used it; start that one, or restore a backup that this one made',
  );
}

/**
 * Disconnects when the queries that were asked are over. The PostgreSQL driver by itself loses a connection that is being
 * made while it ends, and then waits for it for ever.
 */
export async function closeOrm(orm: Awaited<ReturnType<typeof openOrm>>): Promise<void> {
  const connection: unknown = orm.em.getConnection();
  if (connection instanceof PostgreSqlConnection) {
    const pool: unknown = await connection.getNativeClient();
    while (isBusy(pool)) await sleep(5);
  }
  await orm.close();
}

/** Whether a pool has connections in use or in the making, or queries that wait for one. */
function isBusy(pool: unknown): boolean {
  if (!isPool(pool)) throw new TypeError('internal error: not a pool of connections');
  return pool.waitingCount > 0 || pool.totalCount > pool.idleCount;
}

function isPool(value: unknown): value is Record<'totalCount' | 'idleCount' | 'waitingCount', number> {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['totalCount', 'idleCount', 'waitingCount'].every((name) => name in value)
  );
}

/**
 * libSQL's defaults do not suit a server: no waiting for a lock, no write-ahead log. Its driver aborts the whole
 * process on a boolean parameter, and a deferred transaction fails at once when another process wrote meanwhile.
 */
async function prepareLibSql(raw: unknown): Promise<void> {
  if (!isConnection(raw)) throw new TypeError('internal error: not a database connection');
  const execute = raw.executeQuery.bind(raw);
  raw.executeQuery = (query) => {
    if (query.sql === 'rollback') return rollBack(() => execute(query));
    return execute({
      ...query,
      sql: query.sql === 'begin' ? 'begin immediate' : query.sql,
      parameters: query.parameters.map(boundValue),
    });
  };
  for (const pragma of ['busy_timeout=5000', 'journal_mode=WAL', 'synchronous=FULL', 'foreign_keys=ON']) {
    await execute(CompiledQuery.raw(`pragma ${pragma}`));
  }
}

/**
 * A full or failing disk ends the transaction by itself. That there is none to roll back any more must not be told in place of what
 * ended it.
 */
async function rollBack<Result>(execute: () => Promise<Result>): Promise<Result | { readonly rows: [] }> {
  try {
    return await execute();
  } catch (error) {
    if (error instanceof Error && error.message.includes('no transaction is active')) return { rows: [] };
    throw error;
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
