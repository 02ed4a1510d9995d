import type { Queries } from '../database.ts';
import type { ModelKey } from './enrolment.ts';

/** A one-use permission for another board to take a serial over. */
export interface ReplacementPermitRecord {
  readonly id: number;
  readonly serial: string;
  readonly deviceKeyId: string | null;
  readonly reason: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly usedAt: string | null;
  readonly usedBy: string | null;
}

const COLUMNS = [
  'id',
  'serial',
  'deviceKeyId',
  'reason',
  'createdAt',
  'createdBy',
  'usedAt',
  'usedBy',
] as const;

/** The permission that lets this device key take the serial over; undefined when there is none unused. */
export async function findPermit(
  queries: Queries,
  model: ModelKey,
  of: { readonly serial: string; readonly deviceKeyId: string },
): Promise<ReplacementPermitRecord | undefined> {
  const rows = await queries
    .selectFrom('ReplacementPermit')
    .select(COLUMNS)
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('serial', '=', of.serial)
    .where('usedAt', 'is', null)
    .orderBy('id')
    .execute();
  return rows.find((row) => row.deviceKeyId === null || row.deviceKeyId === of.deviceKeyId);
}

/** All permissions of a model, newest first. */
export async function listPermits(queries: Queries, model: ModelKey): Promise<ReplacementPermitRecord[]> {
  return queries
    .selectFrom('ReplacementPermit')
    .select(COLUMNS)
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .orderBy('id', 'desc')
    .execute();
}

/** Grants a permission. */
export async function addPermit(
  queries: Queries,
  model: ModelKey,
  permit: {
    readonly serial: string;
    readonly deviceKeyId: string | null;
    readonly reason: string;
    readonly by: string;
    readonly at: Date;
  },
): Promise<void> {
  await queries
    .insertInto('ReplacementPermit')
    .values({
      ...model,
      serial: permit.serial,
      deviceKeyId: permit.deviceKeyId,
      reason: permit.reason,
      createdAt: permit.at.toISOString(),
      createdBy: permit.by,
      usedAt: null,
      usedBy: null,
    })
    .execute();
}

/** Uses a permission up. @returns false when it was used meanwhile */
export async function usePermit(
  queries: Queries,
  id: number,
  by: { readonly deviceKeyId: string; readonly at: Date },
): Promise<boolean> {
  const result = await queries
    .updateTable('ReplacementPermit')
    .set({ usedAt: by.at.toISOString(), usedBy: by.deviceKeyId })
    .where('id', '=', id)
    .where('usedAt', 'is', null)
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}
