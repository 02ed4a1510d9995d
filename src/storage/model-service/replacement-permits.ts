import type { Queries } from '../database.ts';
import type { ModelKey } from './enrolment.ts';

/** A one-use permission for another board to take a serial over. */
export interface ReplacementPermitRecord {
  readonly id: number;
  readonly brandId: string;
  readonly modelName: string;
  readonly serial: string;
  readonly deviceKeyId: string | null;
  readonly reason: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt: string | null;
  readonly usedAt: string | null;
  readonly usedBy: string | null;
}

const COLUMNS = [
  'id',
  'brandId',
  'modelName',
  'serial',
  'deviceKeyId',
  'reason',
  'createdAt',
  'createdBy',
  'expiresAt',
  'usedAt',
  'usedBy',
] as const;

/**
 * The unused permissions that are bound to one of the given device keys or are for one of the given serials, for whichever of
 * the given brands and models, oldest first.
 */
export async function unusedPermits(
  queries: Queries,
  of: {
    readonly brandIds: readonly string[];
    readonly models: readonly string[];
    readonly deviceKeyIds: readonly string[];
    readonly serials: readonly string[];
  },
): Promise<ReplacementPermitRecord[]> {
  if (of.deviceKeyIds.length === 0) return [];
  return queries
    .selectFrom('ReplacementPermit')
    .select(COLUMNS)
    .where('brandId', 'in', of.brandIds)
    .where('modelName', 'in', of.models)
    .where('usedAt', 'is', null)
    .where((eb) =>
      eb.or([
        eb('deviceKeyId', 'in', of.deviceKeyIds),
        eb('serial', 'in', of.serials.length === 0 ? [''] : of.serials),
      ]),
    )
    .orderBy('id')
    .execute();
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
    readonly expiresAt: string | null;
    readonly by: string;
    readonly at: Date;
  },
): Promise<ReplacementPermitRecord> {
  return queries
    .insertInto('ReplacementPermit')
    .values({
      ...model,
      serial: permit.serial,
      deviceKeyId: permit.deviceKeyId,
      reason: permit.reason,
      createdAt: permit.at.toISOString(),
      createdBy: permit.by,
      expiresAt: permit.expiresAt,
      usedAt: null,
      usedBy: null,
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}

/** Uses a permission up. @returns false when it was used or withdrawn meanwhile */
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

/** Takes a permission back. @returns false when there is none of that number, or it was used */
export async function withdrawPermit(queries: Queries, model: ModelKey, id: number): Promise<boolean> {
  const result = await queries
    .deleteFrom('ReplacementPermit')
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('id', '=', id)
    .where('usedAt', 'is', null)
    .executeTakeFirst();
  return Number(result.numDeletedRows) === 1;
}

/** What let the former board enrol is the new one's from now on: the serial's allow-list entry, claim codes and vouchers. */
export async function moveBelongings(
  queries: Queries,
  model: ModelKey,
  move: { readonly serial: string; readonly from: string; readonly to: string; readonly at: Date },
): Promise<void> {
  const entry = () =>
    queries
      .updateTable('AllowListEntry')
      .where('brandId', '=', model.brandId)
      .where('modelName', '=', model.modelName)
      .where('serial', '=', move.serial);
  await entry().set({ takenBy: move.to, takenAt: move.at.toISOString() }).execute();
  await entry().set({ deviceKeyId: move.to }).where('deviceKeyId', 'is not', null).execute();
  await queries
    .updateTable('SpentClaim')
    .set({ deviceKeyId: move.to })
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('deviceKeyId', '=', move.from)
    .execute();
  await queries
    .updateTable('Voucher')
    .set({ usedBy: move.to })
    .where('brandId', '=', model.brandId)
    .where('usedBy', '=', move.from)
    .execute();
}
