import { sql } from 'kysely';
import type { Queries } from '../database.ts';
import type { ModelKey } from './enrolment.ts';

/** A device that waits for, or got, an admin's decision. */
export interface EnrolmentRequestRecord {
  readonly deviceKeyId: string;
  readonly proposedSerial: string | null;
  readonly state: string;
  readonly sourceAddress: string | null;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly decidedAt: string | null;
  readonly decidedBy: string | null;
}

const COLUMNS = [
  'deviceKeyId',
  'proposedSerial',
  'state',
  'sourceAddress',
  'firstSeenAt',
  'lastSeenAt',
  'decidedAt',
  'decidedBy',
] as const;

/** What was decided about a device key; undefined when it never asked. */
export async function findEnrolmentRequest(
  queries: Queries,
  model: ModelKey,
  deviceKeyId: string,
): Promise<EnrolmentRequestRecord | undefined> {
  return queries
    .selectFrom('EnrolmentRequest')
    .select(COLUMNS)
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('deviceKeyId', '=', deviceKeyId)
    .executeTakeFirst();
}

/** A page of the queue in the order of arrival, after entry `after`. */
export async function listEnrolmentRequests(
  queries: Queries,
  model: ModelKey,
  page: { readonly state: string; readonly after: number; readonly limit: number },
): Promise<(EnrolmentRequestRecord & { id: number })[]> {
  return queries
    .selectFrom('EnrolmentRequest')
    .select(['id', ...COLUMNS])
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('state', '=', page.state)
    .where('id', '>', page.after)
    .orderBy('id')
    .limit(page.limit)
    .execute();
}

/** How many devices of a model wait. */
export async function countWaiting(queries: Queries, model: ModelKey): Promise<number> {
  const row = await queries
    .selectFrom('EnrolmentRequest')
    .select(sql<number>`count(*)`.as('count'))
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/**
 * Puts a device in the queue, or notes that it asked again. A decision that was made stays, and so does what it is about: the
 * serial that the device asked for first; see {@link reopenEnrolment}.
 */
export async function queueEnrolment(
  queries: Queries,
  model: ModelKey,
  device: {
    readonly deviceKeyId: string;
    readonly proposedSerial: string | null;
    readonly sourceAddress: string | null;
    readonly at: Date;
  },
): Promise<void> {
  const at = device.at.toISOString();
  await queries
    .insertInto('EnrolmentRequest')
    .values({
      ...model,
      deviceKeyId: device.deviceKeyId,
      proposedSerial: device.proposedSerial,
      state: 'pending',
      sourceAddress: device.sourceAddress,
      firstSeenAt: at,
      lastSeenAt: at,
      decidedAt: null,
      decidedBy: null,
    })
    .onConflict((conflict) =>
      conflict.columns(['brandId', 'modelName', 'deviceKeyId']).doUpdateSet({ lastSeenAt: at }),
    )
    .execute();
}

/**
 * Puts a device that was approved back in the queue, because it asks for another serial than the approved one.
 * @returns false when it is approved no longer
 */
export async function reopenEnrolment(
  queries: Queries,
  model: ModelKey,
  device: { readonly deviceKeyId: string; readonly proposedSerial: string | null; readonly at: Date },
): Promise<boolean> {
  const result = await queries
    .updateTable('EnrolmentRequest')
    .set({
      state: 'pending',
      proposedSerial: device.proposedSerial,
      lastSeenAt: device.at.toISOString(),
      decidedAt: null,
      decidedBy: null,
    })
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('deviceKeyId', '=', device.deviceKeyId)
    .where('state', '=', 'approved')
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}

/** Approves or refuses a device that waits, or one that was decided before. @returns false when it never asked */
export async function decideEnrolmentRequest(
  queries: Queries,
  model: ModelKey,
  decision: {
    readonly deviceKeyId: string;
    readonly state: 'approved' | 'refused';
    readonly by: string;
    readonly at: Date;
  },
): Promise<boolean> {
  const result = await queries
    .updateTable('EnrolmentRequest')
    .set({ state: decision.state, decidedAt: decision.at.toISOString(), decidedBy: decision.by })
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('deviceKeyId', '=', decision.deviceKeyId)
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}
