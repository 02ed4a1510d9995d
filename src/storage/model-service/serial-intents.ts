import { sql } from 'kysely';
import { DEFAULT_TOKEN } from '../../config/index.ts';
import type { Queries } from '../database.ts';

/** Who has, or is promised, a serial of one model. */
export interface IntentRecord {
  /** Of this very draft: another draft of the same promise has another id. */
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
  /** Why the promise will never be kept as it is; null while it may. */
  readonly closedReason: string | null;
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
  'closedReason',
] as const;

/** The intents of the given device keys in all models of the given brands, the first made first. */
export async function intentsOfDeviceKeys(
  queries: Queries,
  of: {
    readonly brandIds: readonly string[];
    readonly deviceKeyIds: readonly string[];
    /** All of the brands' where none are named. */
    readonly models?: readonly string[];
  },
): Promise<IntentRecord[]> {
  let query = queries
    .selectFrom('SerialIntent')
    .select(COLUMNS)
    .where('brandId', 'in', of.brandIds)
    .where('deviceKeyId', 'in', of.deviceKeyIds);
  if (of.models !== undefined) query = query.where('modelName', 'in', of.models);
  return query.orderBy('createdAt').orderBy('id').execute();
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
  await queries.insertInto('SerialIntent').values(intents.map(unsigned)).execute();
}

/** The row of a draft that nobody has signed. */
function unsigned(intent: NewIntent) {
  return {
    ...intent,
    headers: { ...intent.headers },
    serialRequest: Buffer.from(intent.serialRequest),
    batch: null,
    signedAt: null,
    closedReason: null,
    serialAssertion: null,
  };
}

/**
 * Gives a promise, kept or not, another draft: its key changed or was revoked, or another board takes the serial over. The
 * new draft has an id of its own, so that whoever signs, or waits for, the former one never meets it.
 * @returns false when it is no longer as it was: drafted anew, or signed, meanwhile; then nothing changed
 */
export async function redraftIntent(
  queries: Queries,
  intent: NewIntent,
  was: IntentRecord,
): Promise<boolean> {
  const result = await queries
    .updateTable('SerialIntent')
    .set(unsigned(intent))
    .where('id', '=', was.id)
    .where('signedAt', was.serialAssertion === null ? 'is' : 'is not', null)
    .executeTakeFirst();
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
  /** The HSM token that holds the key; the default token when the key is gone. */
  readonly token: string;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** Those of the given intents that are not signed yet and not closed, oldest first. */
export async function intentsToSign(queries: Queries, ids: readonly string[]): Promise<IntentToSign[]> {
  if (ids.length === 0) return [];
  return queries
    .selectFrom('SerialIntent as intent')
    .leftJoin('SigningKey as key', 'key.hsmKeyId', 'intent.hsmKeyId')
    .select([...COLUMNS.map((column) => `intent.${column}` as const), 'intent.headers', 'intent.body'])
    .select((eb) => eb.fn.coalesce('key.token', sql.lit(DEFAULT_TOKEN)).as('token'))
    .where('intent.id', 'in', ids)
    .where('intent.signedAt', 'is', null)
    .where('intent.closedReason', 'is', null)
    .orderBy('intent.createdAt')
    .orderBy('intent.id')
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

/** The HSM tokens that hold a signing key. */
export async function tokensWithKeys(queries: Queries): Promise<string[]> {
  const rows = await queries.selectFrom('SigningKey').select('token').distinct().orderBy('token').execute();
  return rows.map(({ token }) => token);
}

/** Ids of promises made before the given moment and not kept, with a key on the given token, oldest first. */
export async function strandedIntents(
  queries: Queries,
  of: { readonly before: Date; readonly token: string; readonly limit: number },
): Promise<string[]> {
  const rows = await queries
    .selectFrom('SerialIntent as intent')
    .innerJoin('SigningKey as key', 'key.hsmKeyId', 'intent.hsmKeyId')
    .select('intent.id')
    .where('key.token', '=', of.token)
    .where('intent.signedAt', 'is', null)
    .where('intent.closedReason', 'is', null)
    .where('intent.createdAt', '<', of.before.toISOString())
    .orderBy('intent.createdAt')
    .limit(of.limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** Promises made before the given moment and not kept, whose key is not here any more, oldest first. */
export async function strandedWithoutKey(
  queries: Queries,
  of: { readonly before: Date; readonly limit: number },
): Promise<IntentRecord[]> {
  return queries
    .selectFrom('SerialIntent as intent')
    .leftJoin('SigningKey as key', 'key.hsmKeyId', 'intent.hsmKeyId')
    .select(COLUMNS.map((column) => `intent.${column}` as const))
    .where('key.hsmKeyId', 'is', null)
    .where('intent.signedAt', 'is', null)
    .where('intent.closedReason', 'is', null)
    .where('intent.createdAt', '<', of.before.toISOString())
    .orderBy('intent.createdAt')
    .limit(of.limit)
    .execute();
}

/** How many serials of a model are promised or signed; promises that were closed do not count. */
export async function countIntents(queries: Queries, brandId: string, modelName: string): Promise<number> {
  const row = await queries
    .selectFrom('SerialIntent')
    .select(sql<number>`count(*)`.as('count'))
    .where('brandId', '=', brandId)
    .where('modelName', '=', modelName)
    .where('closedReason', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}
