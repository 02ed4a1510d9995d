import type { Queries } from '../database.ts';

/** A line of a brand's remodel allow-list; an empty `fromSerial` means all serials. */
export interface RemodelRecord {
  readonly brandId: string;
  readonly fromModel: string;
  readonly toModel: string;
  readonly fromSerial: string;
  readonly description: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly modifiedAt: string | null;
  readonly modifiedBy: string | null;
}

const COLUMNS = [
  'brandId',
  'fromModel',
  'toModel',
  'fromSerial',
  'description',
  'createdAt',
  'createdBy',
  'modifiedAt',
  'modifiedBy',
] as const;

/** A page of a brand's list in the order of entry, after entry `after`. */
export async function listRemodel(
  queries: Queries,
  brandId: string,
  page: {
    readonly fromModel?: string;
    readonly toModel?: string;
    readonly after: number;
    readonly limit: number;
  },
): Promise<(RemodelRecord & { id: number })[]> {
  let query = queries
    .selectFrom('RemodelAllowance')
    .select(['id', ...COLUMNS])
    .where('brandId', '=', brandId)
    .where('id', '>', page.after);
  if (page.fromModel !== undefined) query = query.where('fromModel', '=', page.fromModel);
  if (page.toModel !== undefined) query = query.where('toModel', '=', page.toModel);
  return query.orderBy('id').limit(page.limit).execute();
}

/** Those lines that could let a device of these models over. */
export async function remodelAllowances(
  queries: Queries,
  of: { readonly brandId: string; readonly fromModel: string; readonly toModel: string },
): Promise<RemodelRecord[]> {
  return queries
    .selectFrom('RemodelAllowance')
    .select(COLUMNS)
    .where('brandId', '=', of.brandId)
    .where('fromModel', '=', of.fromModel)
    .where('toModel', '=', of.toModel)
    .execute();
}

/** @returns false when the very line is there */
export async function addRemodel(queries: Queries, record: RemodelRecord): Promise<boolean> {
  const result = await queries
    .insertInto('RemodelAllowance')
    .values(record)
    .onConflict((conflict) => conflict.columns(['brandId', 'fromModel', 'toModel', 'fromSerial']).doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows ?? 0) === 1;
}

type RemodelKey = Pick<RemodelRecord, 'brandId' | 'fromModel' | 'toModel' | 'fromSerial'>;

/** Changes the description of a line. @returns the line; undefined when there is none */
export async function describeRemodel(
  queries: Queries,
  key: RemodelKey,
  change: { readonly description: string; readonly by: string; readonly at: Date },
): Promise<RemodelRecord | undefined> {
  await queries
    .updateTable('RemodelAllowance')
    .set({ description: change.description, modifiedAt: change.at.toISOString(), modifiedBy: change.by })
    .where('brandId', '=', key.brandId)
    .where('fromModel', '=', key.fromModel)
    .where('toModel', '=', key.toModel)
    .where('fromSerial', '=', key.fromSerial)
    .execute();
  const rows = await remodelAllowances(queries, key);
  return rows.find(({ fromSerial }) => fromSerial === key.fromSerial);
}

/** @returns false when there was no such line */
export async function removeRemodel(queries: Queries, key: RemodelKey): Promise<boolean> {
  const result = await queries
    .deleteFrom('RemodelAllowance')
    .where('brandId', '=', key.brandId)
    .where('fromModel', '=', key.fromModel)
    .where('toModel', '=', key.toModel)
    .where('fromSerial', '=', key.fromSerial)
    .executeTakeFirst();
  return Number(result.numDeletedRows) === 1;
}
