import { appendAct } from '../audit-log.ts';
import type { Queries } from '../database.ts';
import { addHistory, originOfDraft, type ClosedReason } from './serial-history.ts';
import type { IntentRecord } from './serial-intents.ts';

/** A promise to be closed. */
export interface ClosedPromise {
  readonly intent: IntentRecord;
  readonly reason: ClosedReason;
}

/**
 * Closes promises that no key can keep, each with its reason in the serial history and in the log of acts. Call it in one transaction.
 * One that was signed or drafted anew meanwhile stays as it is.
 */
export async function closePromises(
  queries: Queries,
  promises: readonly ClosedPromise[],
  at: Date,
): Promise<void> {
  for (const { intent, reason } of promises) {
    const result = await queries
      .updateTable('SerialIntent')
      .set({ closedReason: reason })
      .where('id', '=', intent.id)
      .where('signedAt', 'is', null)
      .where('closedReason', 'is', null)
      .executeTakeFirst();
    if (Number(result.numUpdatedRows) !== 1) continue;
    await addHistory(queries, {
      draft: intent,
      origin: await originOfDraft(queries, intent.id),
      reason,
      endedAt: at.toISOString(),
    });
    await appendAct(queries, {
      at,
      actor: 'airlock',
      act: 'serial.close',
      subject: `${intent.brandId}/${intent.modelName}/${intent.serial}`,
      details: { reason, key: intent.signKeyId, 'device-key': intent.deviceKeyId },
    });
  }
}

/** Forgets a closed promise, so that its device is judged anew. @returns false when it is no longer closed as it was */
export async function forgetClosedPromise(queries: Queries, intent: IntentRecord): Promise<boolean> {
  const result = await queries
    .deleteFrom('SerialIntent')
    .where('id', '=', intent.id)
    .where('signedAt', 'is', null)
    .where('closedReason', 'is not', null)
    .executeTakeFirst();
  return Number(result.numDeletedRows) === 1;
}
