import { sql, type Kysely } from 'kysely';
import { closeOrm, openOrm, QUERY_OPTIONS, type DatabaseLocation } from './engine.ts';

/** Rows of one statement: far below the bound on parameters of either engine, and some 100 kB of assertions. */
const ROWS = 100;

/** Any table by its name: a copy knows names and keys, and nothing of what is in a row. */
type AnyTables = Record<string, Record<string, unknown>>;

/** One table: its name, its primary key, and whether the database itself counts that up. */
interface Table {
  readonly name: string;
  /** As the database calls it. */
  readonly tableName: string;
  readonly key: string;
  readonly counted: boolean;
}

/** How to copy. */
export interface CopyOptions {
  /** Settings whose keys begin with this are left out. */
  readonly forget?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies every row, as it is at one moment, into a database that has none; between the two engines in either direction.
 * The copy is there whole or not at all.
 * @returns whether it was made; false when `to` has rows already
 * @throws AirlockError `database-unavailable`
 */
export async function copyDatabase(
  from: DatabaseLocation,
  to: DatabaseLocation,
  options: CopyOptions = {},
): Promise<boolean> {
  const source = await openOrm(from);
  try {
    const target = await openOrm(to);
    try {
      const tables = tablesOf(source);
      const [reading, writing] = [source, target].map((orm) =>
        orm.em.fork().getKysely<AnyTables, typeof QUERY_OPTIONS>(QUERY_OPTIONS),
      );
      if (reading === undefined || writing === undefined)
        throw new TypeError('internal error: no connection');
      return await atOneMoment(reading, from, (rows) =>
        writing.transaction().execute(async (copy) => {
          for (const { name } of tables) if (await hasRows(copy, name)) return false;
          for (const table of tables) {
            await copyTable(rows, copy, table, options);
            if (table.counted) await countOn(copy, to, table, await lastId(rows, from, table));
          }
          return true;
        }),
      );
    } finally {
      await closeOrm(target);
    }
  } finally {
    await closeOrm(source);
  }
}

function tablesOf(orm: Awaited<ReturnType<typeof openOrm>>): readonly Table[] {
  return [...orm.getMetadata().getAll().values()].map(({ className, tableName, primaryKeys, props }) => {
    const [key, ...more] = primaryKeys;
    if (key === undefined || more.length > 0)
      throw new TypeError(`internal error: ${className} needs one primary key`);
    const counted = props.find(({ name }) => String(name) === String(key))?.autoincrement === true;
    return { name: className, tableName, key: String(key), counted };
  });
}

/** The embedded engine's transactions see one moment by themselves; PostgreSQL's must be asked to. */
function atOneMoment<Result>(
  queries: Kysely<AnyTables>,
  location: DatabaseLocation,
  work: (queries: Kysely<AnyTables>) => Promise<Result>,
): Promise<Result> {
  const begin = queries.transaction();
  return 'postgresql' in location
    ? begin.setIsolationLevel('repeatable read').setAccessMode('read only').execute(work)
    : begin.execute(work);
}

async function hasRows(queries: Kysely<AnyTables>, name: string): Promise<boolean> {
  return (await queries.selectFrom(name).selectAll().limit(1).execute()).length > 0;
}

async function copyTable(
  from: Kysely<AnyTables>,
  to: Kysely<AnyTables>,
  { name, key }: Table,
  { forget, signal }: CopyOptions,
): Promise<void> {
  let after: unknown;
  for (;;) {
    signal?.throwIfAborted();
    const page = from.selectFrom(name).selectAll().orderBy(key).limit(ROWS);
    const rows = await (after === undefined ? page : page.where(key, '>', after)).execute();
    const kept = rows.filter((row) => name !== 'Setting' || !isForgotten(row[key], forget));
    if (kept.length > 0) await to.insertInto(name).values(kept).execute();
    if (rows.length < ROWS) return;
    after = rows.at(-1)?.[key];
  }
}

function isForgotten(key: unknown, forget: string | undefined): boolean {
  return forget !== undefined && typeof key === 'string' && key.startsWith(forget);
}

/** The last id that a table gave, be its row gone; 0 before the first. */
async function lastId(
  queries: Kysely<AnyTables>,
  location: DatabaseLocation,
  { tableName, key }: Table,
): Promise<number> {
  const query =
    'postgresql' in location
      ? sql<{
          last: unknown;
        }>`select pg_sequence_last_value(pg_get_serial_sequence(${tableName}, ${key})::regclass) as last`
      : sql<{ last: unknown }>`select seq as last from sqlite_sequence where name = ${tableName}`;
  const { rows } = await query.execute(queries);
  return Number(rows[0]?.last ?? 0);
}

/**
 * Lets a table go on after the last id that the source gave: what undoes an import names rows by their ids, and must not find
 * others under them. PostgreSQL does not even notice the ids of the rows that were copied.
 */
async function countOn(
  queries: Kysely<AnyTables>,
  location: DatabaseLocation,
  { name, tableName, key }: Table,
  given: number,
): Promise<void> {
  const row = await queries
    .selectFrom(name)
    .select((eb) => eb.fn.max(key).as('last'))
    .executeTakeFirst();
  const last = Math.max(given, Number(row?.last ?? 0));
  if (last === 0) return;
  if ('postgresql' in location) {
    await sql`select setval(pg_get_serial_sequence(${tableName}, ${key}), ${last}::bigint)`.execute(queries);
    return;
  }
  await sql`delete from sqlite_sequence where name = ${tableName}`.execute(queries);
  await sql`insert into sqlite_sequence (name, seq) values (${tableName}, ${last})`.execute(queries);
}
