import type { Queries } from '../database.ts';

/** A request-id that was used, and by which device key. */
export interface SpentRequestId {
  readonly requestId: string;
  readonly deviceKeyId: string;
}

/** Which of the given request-ids were used. */
export async function spentRequestIds(
  queries: Queries,
  requestIds: readonly string[],
): Promise<SpentRequestId[]> {
  return queries
    .selectFrom('SpentRequestId')
    .select(['requestId', 'deviceKeyId'])
    .where('requestId', 'in', requestIds)
    .execute();
}

/** Marks request-ids as used. Throws the database's own error when another device was quicker. */
export async function spendRequestIds(
  queries: Queries,
  spent: readonly { requestId: string; deviceKeyId: string; expiresAt: Date }[],
): Promise<void> {
  if (spent.length === 0) return;
  await queries
    .insertInto('SpentRequestId')
    .values(spent.map((one) => ({ ...one, intentId: null, expiresAt: one.expiresAt.toISOString() })))
    .execute();
}

/**
 * Forgets used request-ids that expired long before `before`: a request-id past its time is refused by its expiry, except
 * from a device whose intent or waiting enrolment says that it knew it.
 * @returns how many went
 */
export async function purgeSpentRequestIds(queries: Queries, before: Date): Promise<number> {
  const result = await queries
    .deleteFrom('SpentRequestId')
    .where('expiresAt', '<', before.toISOString())
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
