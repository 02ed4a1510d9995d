import { sql } from 'kysely';
import type { Queries } from '../database.ts';

/** Who has, or is promised, a serial of one model. */
export interface IntentRecord {
  readonly id: string;
  readonly brandId: string;
  readonly modelName: string;
  readonly serial: string;
  readonly deviceKeyId: string;
  readonly signKeyId: string;
  readonly hsmKeyId: string;
  readonly timestamp: string;
  /** The signed serial; null while it is only promised. */
  readonly serialAssertion: Uint8Array | null;
}

/** A promise to be recorded: everything that the serial assertion will say. */
export interface NewIntent {
  readonly id: string;
  readonly brandId: string;
  readonly modelName: string;
  readonly serial: string;
  readonly deviceKeyId: string;
  readonly authorityId: string;
  readonly signKeyId: string;
  readonly hsmKeyId: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly timestamp: string;
  readonly apiKeyName: string | null;
  readonly sourceAddress: string | null;
  readonly createdAt: string;
  readonly serialRequest: Uint8Array;
}

const COLUMNS = [
  'id',
  'brandId',
  'modelName',
  'serial',
  'deviceKeyId',
  'signKeyId',
  'hsmKeyId',
  'timestamp',
  'serialAssertion',
] as const;

/** The intents of the given device keys, for whichever of the given brands and models. */
export async function intentsOfDeviceKeys(
  queries: Queries,
  of: {
    readonly brandIds: readonly string[];
    readonly models: readonly string[];
    readonly deviceKeyIds: readonly string[];
  },
): Promise<IntentRecord[]> {
  return queries
    .selectFrom('SerialIntent')
    .select(COLUMNS)
    .where('brandId', 'in', of.brandIds)
    .where('modelName', 'in', of.models)
    .where('deviceKeyId', 'in', of.deviceKeyIds)
    .execute();
}

/** The intents that hold one of the given serial numbers, for whichever of the given brands and models. */
export async function intentsOfSerials(
  queries: Queries,
  of: {
    readonly brandIds: readonly string[];
    readonly models: readonly string[];
    readonly serials: readonly string[];
  },
): Promise<IntentRecord[]> {
  return queries
    .selectFrom('SerialIntent')
    .select(COLUMNS)
    .where('brandId', 'in', of.brandIds)
    .where('modelName', 'in', of.models)
    .where('serial', 'in', of.serials)
    .execute();
}

/** Records promises. Throws the database's own error when a serial or device key of the model is taken meanwhile. */
export async function addIntents(queries: Queries, intents: readonly NewIntent[]): Promise<void> {
  if (intents.length === 0) return;
  await queries
    .insertInto('SerialIntent')
    .values(
      intents.map((intent) => ({
        ...intent,
        headers: { ...intent.headers },
        serialRequest: Buffer.from(intent.serialRequest),
        batch: null,
        signedAt: null,
        serialAssertion: null,
      })),
    )
    .execute();
}

/**
 * Gives a promise that was not kept yet another draft: its key was revoked, or another board takes the serial over.
 * @returns false when it was signed meanwhile; then nothing changed
 */
export async function redraftIntent(
  queries: Queries,
  intent: NewIntent,
  was: { readonly timestamp: string; readonly signed: boolean },
): Promise<boolean> {
  let update = queries
    .updateTable('SerialIntent')
    .set({
      ...intent,
      headers: { ...intent.headers },
      serialRequest: Buffer.from(intent.serialRequest),
      batch: null,
      signedAt: null,
      serialAssertion: null,
    })
    .where('id', '=', intent.id)
    .where('timestamp', '=', was.timestamp);
  if (!was.signed) update = update.where('signedAt', 'is', null);
  const result = await update.executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}

/** The revision that a promised serial will have: above 0 when it took over from a replaced board. */
export async function promisedRevision(queries: Queries, id: string): Promise<number> {
  const row = await queries
    .selectFrom('SerialIntent')
    .select('headers')
    .where('id', '=', id)
    .executeTakeFirst();
  return Number(row?.headers.revision ?? 0);
}

/** What the signer needs of a promise. */
export interface IntentToSign extends IntentRecord {
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** Those of the given intents that are not signed yet, oldest first. */
export async function intentsToSign(queries: Queries, ids: readonly string[]): Promise<IntentToSign[]> {
  if (ids.length === 0) return [];
  return queries
    .selectFrom('SerialIntent')
    .select([...COLUMNS, 'headers', 'body'])
    .where('id', 'in', ids)
    .where('signedAt', 'is', null)
    .orderBy('createdAt')
    .orderBy('id')
    .execute();
}

/** A serial that was signed. */
export interface SignedIntent {
  readonly intent: IntentToSign;
  readonly assertion: Uint8Array;
}

/**
 * Stores signed serials, which is also their entry in the serial log, and counts them for their keys. Call it in one transaction.
 * A serial that was stored meanwhile stays as it is; one whose draft was given up meanwhile goes to the history, for no
 * signature may be missing in the log.
 * @returns the ids of those that are the serial of their device now
 */
export async function storeSigned(
  queries: Queries,
  signed: readonly SignedIntent[],
  by: { readonly batch: string; readonly at: Date },
): Promise<Set<string>> {
  const at = by.at.toISOString();
  const counts = new Map<string, number>();
  const inForce = new Set<string>();
  for (const { intent, assertion } of signed) {
    const result = await queries
      .updateTable('SerialIntent')
      .set({ serialAssertion: Buffer.from(assertion), signedAt: at, batch: by.batch })
      .where('id', '=', intent.id)
      .where('signedAt', 'is', null)
      .where('timestamp', '=', intent.timestamp)
      .where('signKeyId', '=', intent.signKeyId)
      // Two drafts of one second and one key are told apart by their device.
      .where('deviceKeyId', '=', intent.deviceKeyId)
      .executeTakeFirst();
    const outcome =
      Number(result.numUpdatedRows) === 1 ? 'stored' : await keepGivenUp(queries, intent, assertion, at);
    if (outcome !== 'given-up') inForce.add(intent.id);
    if (outcome !== 'repeated') counts.set(intent.hsmKeyId, (counts.get(intent.hsmKeyId) ?? 0) + 1);
  }
  for (const [hsmKeyId, count] of counts) {
    await queries
      .updateTable('SigningKey')
      .set((eb) => ({ signatures: eb('signatures', '+', count) }))
      .where('hsmKeyId', '=', hsmKeyId)
      .execute();
  }
  return inForce;
}

/** Looks at an intent that did not take its signature: the very draft was signed before, or it was given up. */
async function keepGivenUp(
  queries: Queries,
  intent: IntentToSign,
  assertion: Uint8Array,
  at: string,
): Promise<'repeated' | 'given-up'> {
  const now = await queries
    .selectFrom('SerialIntent')
    .select(['timestamp', 'signKeyId', 'deviceKeyId'])
    .where('id', '=', intent.id)
    .executeTakeFirst();
  const same =
    now?.timestamp === intent.timestamp &&
    now.signKeyId === intent.signKeyId &&
    now.deviceKeyId === intent.deviceKeyId;
  if (same) return 'repeated';
  await addHistory(queries, {
    ...intent,
    reason: 'key-changed',
    createdAt: at,
    endedAt: at,
    endedBy: 'airlock',
    serialAssertion: assertion,
  });
  return 'given-up';
}

/** What gives up its place in the log's present; see `SerialHistory`. */
export interface HistoryRecord {
  readonly brandId: string;
  readonly modelName: string;
  readonly serial: string;
  readonly deviceKeyId: string;
  readonly signKeyId: string | null;
  readonly reason: 'board-replaced' | 'key-changed' | 'serial-vault';
  readonly createdAt: string;
  readonly endedAt: string;
  readonly endedBy: string;
  readonly serialAssertion: Uint8Array | null;
}

/** Appends to the history of serials. */
export async function addHistory(queries: Queries, record: HistoryRecord): Promise<void> {
  const { brandId, modelName, serial, deviceKeyId, signKeyId, reason, createdAt, endedAt, endedBy } = record;
  const serialAssertion = record.serialAssertion === null ? null : Buffer.from(record.serialAssertion);
  await queries
    .insertInto('SerialHistory')
    .values({
      brandId,
      modelName,
      serial,
      deviceKeyId,
      signKeyId,
      reason,
      createdAt,
      endedAt,
      endedBy,
      serialAssertion,
    })
    .execute();
}

/** The stored serials among the given intents. */
export async function signedSerials(
  queries: Queries,
  ids: readonly string[],
): Promise<{ id: string; serialAssertion: Uint8Array }[]> {
  if (ids.length === 0) return [];
  const rows = await queries
    .selectFrom('SerialIntent')
    .select(['id', 'serialAssertion'])
    .where('id', 'in', ids)
    .where('signedAt', 'is not', null)
    .execute();
  return rows.flatMap(({ id, serialAssertion }) =>
    serialAssertion === null ? [] : [{ id, serialAssertion }],
  );
}

/** Ids of promises made before the given moment and not kept, oldest first. */
export async function strandedIntents(queries: Queries, before: Date, limit: number): Promise<string[]> {
  const rows = await queries
    .selectFrom('SerialIntent')
    .select('id')
    .where('signedAt', 'is', null)
    .where('createdAt', '<', before.toISOString())
    .orderBy('createdAt')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** How many serials of a model are promised or signed. */
export async function countIntents(queries: Queries, brandId: string, modelName: string): Promise<number> {
  const row = await queries
    .selectFrom('SerialIntent')
    .select(sql<number>`count(*)`.as('count'))
    .where('brandId', '=', brandId)
    .where('modelName', '=', modelName)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Signed serials in the log per signing key, the history included: what the keys' counters are checked against. */
export async function countSignatures(queries: Queries, signKeyId: string): Promise<number> {
  const present = await queries
    .selectFrom('SerialIntent')
    .select(sql<number>`count(*)`.as('count'))
    .where('signKeyId', '=', signKeyId)
    .where('signedAt', 'is not', null)
    .executeTakeFirstOrThrow();
  const past = await queries
    .selectFrom('SerialHistory')
    .select(sql<number>`count(*)`.as('count'))
    .where('signKeyId', '=', signKeyId)
    .where('serialAssertion', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(present.count) + Number(past.count);
}
