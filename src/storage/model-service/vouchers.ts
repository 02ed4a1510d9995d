import type { Queries } from '../database.ts';

/** A hardware identity that a brand accepts. */
export interface VoucherRecord {
  readonly hardwareKeyId: string;
  readonly issuerId: string;
  readonly hardwareId: string;
  readonly hardwareName: string;
  readonly publicKey: string;
  readonly importedAt: string;
  readonly importedBy: string;
  readonly usedBy: string | null;
  readonly usedAt: string | null;
}

const COLUMNS = [
  'hardwareKeyId',
  'issuerId',
  'hardwareId',
  'hardwareName',
  'publicKey',
  'importedAt',
  'importedBy',
  'usedBy',
  'usedAt',
] as const;

/** The voucher of a hardware key. */
export async function findVoucher(
  queries: Queries,
  brandId: string,
  hardwareKeyId: string,
): Promise<VoucherRecord | undefined> {
  return queries
    .selectFrom('Voucher')
    .select(COLUMNS)
    .where('brandId', '=', brandId)
    .where('hardwareKeyId', '=', hardwareKeyId)
    .executeTakeFirst();
}

/** A page of a brand's vouchers in the order of import, after entry `after`. */
export async function listVouchers(
  queries: Queries,
  brandId: string,
  page: { readonly after: number; readonly limit: number },
): Promise<(VoucherRecord & { id: number })[]> {
  return queries
    .selectFrom('Voucher')
    .select(['id', ...COLUMNS])
    .where('brandId', '=', brandId)
    .where('id', '>', page.after)
    .orderBy('id')
    .limit(page.limit)
    .execute();
}

/** Adds a voucher. @returns false when the brand has it */
export async function addVoucher(
  queries: Queries,
  brandId: string,
  voucher: Omit<VoucherRecord, 'usedBy' | 'usedAt'>,
): Promise<boolean> {
  const result = await queries
    .insertInto('Voucher')
    .values({ brandId, ...voucher, usedBy: null, usedAt: null })
    .onConflict((conflict) => conflict.columns(['brandId', 'hardwareKeyId']).doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows ?? 0) === 1;
}

/** Notes which device key proved to hold the hardware. @returns false when another one did meanwhile */
export async function claimVoucher(
  queries: Queries,
  brandId: string,
  use: { readonly hardwareKeyId: string; readonly deviceKeyId: string; readonly at: Date },
): Promise<boolean> {
  const result = await queries
    .updateTable('Voucher')
    .set({ usedBy: use.deviceKeyId, usedAt: use.at.toISOString() })
    .where('brandId', '=', brandId)
    .where('hardwareKeyId', '=', use.hardwareKeyId)
    .where((eb) => eb.or([eb('usedBy', 'is', null), eb('usedBy', '=', use.deviceKeyId)]))
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}
