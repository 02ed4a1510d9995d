import type { Queries } from '../database.ts';

/** An entry of the serial log: a serial that was signed. */
export interface SerialLogRecord {
  readonly id: string;
  readonly brandId: string;
  readonly modelName: string;
  readonly serial: string;
  readonly deviceKeyId: string;
  readonly signKeyId: string;
  readonly signedAt: string;
  readonly apiKeyName: string | null;
  readonly sourceAddress: string | null;
}

/** An entry with what was asked and what was answered. */
export interface SerialLogDetail extends SerialLogRecord {
  readonly serialAssertion: Uint8Array;
  readonly serialRequest: Uint8Array;
}

/** Where a page begins: after the entry signed at that moment with that id. */
export interface SerialLogCursor {
  readonly signedAt: string;
  readonly id: string;
}

const COLUMNS = [
  'id',
  'brandId',
  'modelName',
  'serial',
  'deviceKeyId',
  'signKeyId',
  'signedAt',
  'apiKeyName',
  'sourceAddress',
] as const;

/** A page of a model's serial log by time, oldest first; `start` is included, `end` is not. */
export async function listSerialLog(
  queries: Queries,
  of: {
    readonly brandId: string;
    readonly modelName: string;
    readonly serial?: string;
    readonly start?: string;
    readonly end?: string;
    readonly after?: SerialLogCursor;
    readonly limit: number;
  },
): Promise<SerialLogDetail[]> {
  let query = queries
    .selectFrom('SerialIntent')
    .select([...COLUMNS, 'serialAssertion', 'serialRequest'])
    .where('brandId', '=', of.brandId)
    .where('modelName', '=', of.modelName)
    .where('signedAt', 'is not', null);
  if (of.serial !== undefined) query = query.where('serial', '=', of.serial);
  if (of.start !== undefined) query = query.where('signedAt', '>=', of.start);
  if (of.end !== undefined) query = query.where('signedAt', '<', of.end);
  const { after } = of;
  if (after !== undefined) {
    query = query.where((eb) =>
      eb.or([
        eb('signedAt', '>', after.signedAt),
        eb.and([eb('signedAt', '=', after.signedAt), eb('id', '>', after.id)]),
      ]),
    );
  }
  const rows = await query.orderBy('signedAt').orderBy('id').limit(of.limit).execute();
  return rows.flatMap(({ signedAt, serialAssertion, ...row }) =>
    signedAt === null || serialAssertion === null ? [] : [{ ...row, signedAt, serialAssertion }],
  );
}

/** What gave up its place in the serial log's present: see `SerialHistory`. */
export interface SerialHistoryEntry {
  readonly id: number;
  readonly serial: string;
  readonly deviceKeyId: string;
  readonly signKeyId: string | null;
  readonly reason: string;
  readonly createdAt: string;
  readonly endedAt: string;
  readonly endedBy: string;
  readonly serialAssertion: Uint8Array | null;
}

/** A page of a model's history in the order of entry, after entry `after`. */
export async function listSerialHistory(
  queries: Queries,
  of: {
    readonly brandId: string;
    readonly modelName: string;
    readonly serial?: string;
    readonly after: number;
    readonly limit: number;
  },
): Promise<SerialHistoryEntry[]> {
  let query = queries
    .selectFrom('SerialHistory')
    .select([
      'id',
      'serial',
      'deviceKeyId',
      'signKeyId',
      'reason',
      'createdAt',
      'endedAt',
      'endedBy',
      'serialAssertion',
    ])
    .where('brandId', '=', of.brandId)
    .where('modelName', '=', of.modelName)
    .where('id', '>', of.after);
  if (of.serial !== undefined) query = query.where('serial', '=', of.serial);
  return query.orderBy('id').limit(of.limit).execute();
}
