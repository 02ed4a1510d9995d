import { sql } from 'kysely';
import type { Queries } from '../database.ts';
import { addHistory, originOfGivenUp } from './serial-history.ts';
import type { IntentToSign } from './serial-intents.ts';

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
  const store = storing(queries, { batch: by.batch, at });
  for (const { intent, assertion } of signed) {
    const outcome = (await store(intent, assertion))
      ? 'stored'
      : await keepGivenUp(queries, intent, assertion, at);
    if (outcome === 'stored' || outcome === 'repeated') inForce.add(intent.id);
    if (outcome === 'stored' || outcome === 'given-up')
      counts.set(intent.hsmKeyId, (counts.get(intent.hsmKeyId) ?? 0) + 1);
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

/**
 * Stores a serial if its draft is still there and has none; resolves to whether it was so. Compiled once for a batch: it runs
 * for every serial that is made.
 */
function storing(queries: Queries, { batch, at }: { readonly batch: string; readonly at: string }) {
  const update = queries
    .updateTable('SerialIntent')
    .set({ serialAssertion: Buffer.alloc(0), signedAt: at, batch, closedReason: null })
    .where('id', '=', '')
    .where('signedAt', 'is', null)
    .compile();
  return async ({ id }: IntentToSign, assertion: Uint8Array): Promise<boolean> => {
    const parameters = [Buffer.from(assertion), at, batch, null, id];
    return Number((await queries.executeQuery({ ...update, parameters })).numAffectedRows) === 1;
  };
}

/** Looks at an intent that did not take its signature: the very draft was signed before, or it was given up, perhaps with this signature already. */
async function keepGivenUp(
  queries: Queries,
  intent: IntentToSign,
  assertion: Uint8Array,
  at: string,
): Promise<'repeated' | 'repeated-late' | 'given-up'> {
  const same = await queries
    .selectFrom('SerialIntent')
    .select('id')
    .where('id', '=', intent.id)
    .executeTakeFirst();
  if (same !== undefined) return 'repeated';
  // Two workers may bring the same signature: whoever holds the row of the key sees what the other one has written.
  await queries
    .updateTable('SigningKey')
    .set((eb) => ({ signatures: eb.ref('signatures') }))
    .where('hsmKeyId', '=', intent.hsmKeyId)
    .execute();
  const late = await queries
    .selectFrom('SerialHistory')
    .select('id')
    .where('brandId', '=', intent.brandId)
    .where('modelName', '=', intent.modelName)
    .where('serial', '=', intent.serial)
    .where('draftId', '=', intent.id)
    .where('serialAssertion', 'is not', null)
    .executeTakeFirst();
  if (late !== undefined) return 'repeated-late';
  await addHistory(queries, {
    draft: { ...intent, serialAssertion: assertion },
    origin: { ...(await originOfGivenUp(queries, intent)), signedAt: at },
    reason: 'key-changed',
    endedAt: at,
  });
  return 'given-up';
}

/** What a signing key has signed: as it was counted, and as the log has it. The two are equal unless one was tampered with. */
export interface SignatureCount {
  readonly keyId: string;
  readonly brandId: string;
  readonly name: string;
  readonly counted: number;
  readonly inLog: number;
}

/** The counts of every signing key, the log's history included, all of one moment. */
export async function signatureCounts(queries: Queries): Promise<SignatureCount[]> {
  const rows = await queries
    .selectFrom('SigningKey as key')
    .select(['key.keyId', 'key.brandId', 'key.name', 'key.signatures'])
    .select((eb) => [
      eb
        .selectFrom('SerialIntent as intent')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('intent.signKeyId', '=', 'key.keyId')
        .where('intent.signedAt', 'is not', null)
        .as('present'),
      eb
        .selectFrom('SerialHistory as history')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('history.signKeyId', '=', 'key.keyId')
        .where('history.serialAssertion', 'is not', null)
        // What another service signed is not in our count.
        .where('history.reason', '!=', 'serial-vault')
        .as('past'),
    ])
    .where('key.keyId', 'is not', null)
    .orderBy('key.brandId')
    .orderBy('key.name')
    .execute();
  return rows.map(({ keyId, brandId, name, signatures, present, past }) => ({
    keyId: keyId ?? '',
    brandId,
    name,
    counted: Number(signatures),
    inLog: Number(present ?? 0) + Number(past ?? 0),
  }));
}

/** The signatures of one key in the log; 0 when there is no such key. */
export async function countSignatures(queries: Queries, keyId: string): Promise<number> {
  return (await signatureCounts(queries)).find((key) => key.keyId === keyId)?.inLog ?? 0;
}
