import { sql, type Kysely } from 'kysely';
import { closeOrm, openOrm, QUERY_OPTIONS, type DatabaseLocation } from './engine.ts';

/** Rows of one statement: far below the bound on parameters of either engine, and some 100 kB of assertions. */
const ROWS = 100;

/** Any table by its name: a copy knows names and keys, and nothing of what is in a row. */
type AnyTables = Record<string, Record<string, unknown>>;

/** One table: its name, its primary key, and whether the database itself counts that up. */
interface Table {
  readonly name: string;
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
            if (table.counted && 'postgresql' in to) await countOn(copy, table, target);
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
  return [...orm.getMetadata().getAll().values()].map(({ className, primaryKeys, props }) => {
    const [key, ...more] = primaryKeys;
    if (key === undefined || more.length > 0)
      throw new TypeError(`internal error: ${className} needs one primary key`);
    const counted = props.find(({ name }) => String(name) === String(key))?.autoincrement === true;
    return { name: className, key: String(key), counted };
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

/** PostgreSQL does not notice ids that were given to it: its counter goes on after the last. */
async function countOn(
  queries: Kysely<AnyTables>,
  { name, key }: Table,
  orm: Awaited<ReturnType<typeof openOrm>>,
): Promise<void> {
  const { tableName } = orm.getMetadata().getByClassName(name);
  await sql`select setval(pg_get_serial_sequence(${tableName}, ${key}), coalesce(max(id), 0) + 1, false) from ${sql.table(name)}`.execute(
    queries,
  );
}
