import type { Queries } from '../database.ts';
import type { IntentRecord } from './serial-intents.ts';

/** Why a promise of a serial is never kept as it was made. */
export type ClosedReason = 'key-revoked' | 'key-expired' | 'key-deleted' | 'key-unusable';

/** What a draft was asked with, and when it was signed: null while it is a promise. */
export interface DraftOrigin {
  readonly apiKeyName: string | null;
  readonly sourceAddress: string | null;
  readonly serialRequest: Uint8Array | null;
  readonly signedAt: string | null;
}

/** What gives up its place in the log's present; see `SerialHistory`. A promise has no assertion: nobody has seen its signature. */
export interface HistoryRecord {
  /** The draft as it was; its id keeps its signature in its place in the log. */
  readonly draft: Omit<IntentRecord, 'hsmKeyId' | 'closedReason'>;
  readonly origin: DraftOrigin;
  readonly reason: 'board-replaced' | 'key-changed' | ClosedReason;
  readonly endedAt: string;
}

const ORIGIN = ['apiKeyName', 'sourceAddress', 'serialRequest'] as const;

/** What a draft was asked with, as long as it has its place; of one that lost it meanwhile nothing is told. */
export async function originOfDraft(queries: Queries, id: string): Promise<DraftOrigin> {
  const row = await queries
    .selectFrom('SerialIntent')
    .select([...ORIGIN, 'signedAt'])
    .where('id', '=', id)
    .executeTakeFirst();
  return row ?? UNKNOWN;
}

/** What a draft was asked with that is a promise of the history, for its signature that comes after all. */
export async function originOfGivenUp(queries: Queries, draft: IntentRecord): Promise<DraftOrigin> {
  const row = await queries
    .selectFrom('SerialHistory')
    .select([...ORIGIN, 'signedAt'])
    .where('brandId', '=', draft.brandId)
    .where('modelName', '=', draft.modelName)
    .where('serial', '=', draft.serial)
    .where('draftId', '=', draft.id)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row ?? UNKNOWN;
}

const UNKNOWN: DraftOrigin = { apiKeyName: null, sourceAddress: null, serialRequest: null, signedAt: null };

/** Appends to the history of serials what Airlock itself ended. */
export async function addHistory(queries: Queries, record: HistoryRecord): Promise<void> {
  const { draft, origin, reason, endedAt } = record;
  await queries
    .insertInto('SerialHistory')
    .values({
      brandId: draft.brandId,
      modelName: draft.modelName,
      serial: draft.serial,
      deviceKeyId: draft.deviceKeyId,
      signKeyId: draft.signKeyId,
      draftId: draft.id,
      ...origin,
      serialRequest: bufferOf(origin.serialRequest),
      reason,
      createdAt: draft.timestamp,
      endedAt,
      endedBy: 'airlock',
      revision: null,
      serialAssertion: bufferOf(draft.serialAssertion),
    })
    .execute();
}

function bufferOf(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
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
