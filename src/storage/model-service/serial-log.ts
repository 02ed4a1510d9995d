import { sql } from 'kysely';

import type { Queries } from '../database.ts';

/** An entry of the serial log: a serial that was signed, whether its device has it still or it ended. */
export interface SerialLogEntry {
  /** Of the draft that was signed; the same before and after it ended. */
  readonly id: string;
  readonly brandId: string;
  readonly modelName: string;
  readonly serial: string;
  readonly deviceKeyId: string;
  readonly signKeyId: string | null;
  readonly signedAt: string;
  readonly apiKeyName: string | null;
  readonly sourceAddress: string | null;
  readonly serialAssertion: Uint8Array;
  /** Null where a former release did not keep what ended. */
  readonly serialRequest: Uint8Array | null;
  /** Why and when another took its place; null for a serial of today. */
  readonly ended: { readonly reason: string; readonly at: string } | null;
}

/** Where a page begins: after the entry signed at that moment with that id. */
export interface SerialLogCursor {
  readonly signedAt: string;
  readonly id: string;
}

// Names of their own for what is ordered by: a union has no table that a property could belong to.
const COLUMNS = [
  'brandId',
  'modelName',
  'serial',
  'deviceKeyId',
  'signKeyId',
  'signedAt as moment',
  'apiKeyName',
  'sourceAddress',
  'serialRequest',
  'serialAssertion',
] as const;

/** Which entries of a model's serial log; `start` is included, `end` is not. */
export interface SerialLogSelection {
  readonly brandId: string;
  readonly modelName: string;
  readonly serial?: string;
  readonly start?: string;
  readonly end?: string;
  readonly after?: SerialLogCursor;
  readonly limit: number;
}

/**
 * A page of a model's serial log in the order of signature, oldest first: the serials of today and what ended. Each half gives at most
 * a page, from its index, so that a page costs the same wherever it lies.
 */
export async function listSerialLog(queries: Queries, of: SerialLogSelection): Promise<SerialLogEntry[]> {
  const rows = await serialLogQuery(queries, of).execute();
  return rows.flatMap(({ draft: id, moment: signedAt, serialAssertion, reason, endedAt, ...row }) => {
    if (id === null || signedAt === null || serialAssertion === null) return [];
    const ended = reason === null || endedAt === null ? null : { reason, at: endedAt };
    return [{ ...row, id, signedAt, serialAssertion, ended }];
  });
}

/** The query of {@link listSerialLog}, so that an engine can be asked how it goes about it. */
export function serialLogQuery(queries: Queries, of: SerialLogSelection) {
  const { brandId, modelName, serial, start = '', end = FOREVER, after = BEGINNING, limit } = of;
  const from = start > after.signedAt ? start : after.signedAt;
  const present = queries
    .selectFrom('SerialIntent')
    .select([...COLUMNS, 'id as draft', none.as('reason'), none.as('endedAt')])
    .where('brandId', '=', brandId)
    .where('modelName', '=', modelName)
    .$if(serial !== undefined, (half) => half.where('serial', '=', serial ?? ''))
    .where('signedAt', '>=', from)
    .where('signedAt', '<', end)
    .where((eb) => eb.or([eb('signedAt', '>', after.signedAt), eb('id', '>', after.id)]))
    .orderBy('signedAt')
    .orderBy('id')
    .limit(limit);
  const former = queries
    .selectFrom('SerialHistory')
    .select([...COLUMNS, 'draftId as draft'])
    .select([sql.ref<string | null>('reason').as('reason'), sql.ref<string | null>('endedAt').as('endedAt')])
    .where('brandId', '=', brandId)
    .where('modelName', '=', modelName)
    .$if(serial !== undefined, (half) => half.where('serial', '=', serial ?? ''))
    .where('signedAt', '>=', from)
    .where('signedAt', '<', end)
    .where((eb) => eb.or([eb('signedAt', '>', after.signedAt), eb('draftId', '>', after.id)]))
    .orderBy('signedAt')
    .orderBy('draftId')
    .limit(limit);
  const both = queries
    .selectFrom(former.as('former'))
    .selectAll()
    .unionAll(queries.selectFrom(present.as('present')).selectAll());
  return queries.selectFrom(both.as('entry')).selectAll().orderBy('moment').orderBy('draft').limit(limit);
}

const BEGINNING: SerialLogCursor = { signedAt: '', id: '' };
const FOREVER = '9999-12-31T23:59:59.999Z';
const none = sql<string | null>`null`;
