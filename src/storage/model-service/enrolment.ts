import type { Queries } from '../database.ts';

/** A model of a brand. */
export interface ModelKey {
  readonly brandId: string;
  readonly modelName: string;
}

/** An allow-list entry. */
export interface AllowListRecord {
  readonly serial: string;
  readonly deviceKeyId: string | null;
  readonly note: string;
  readonly createdAt: string;
  readonly takenBy: string | null;
  readonly takenAt: string | null;
}

const ENTRY = ['serial', 'deviceKeyId', 'note', 'createdAt', 'takenBy', 'takenAt'] as const;

/** A page of a model's allow-list in the order of entry, after entry `after`. */
export async function listAllowList(
  queries: Queries,
  model: ModelKey,
  page: { readonly after: number; readonly limit: number },
): Promise<(AllowListRecord & { id: number })[]> {
  return queries
    .selectFrom('AllowListEntry')
    .select(['id', ...ENTRY])
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('id', '>', page.after)
    .orderBy('id')
    .limit(page.limit)
    .execute();
}

/** Entries of the given serials. */
export async function allowListEntries(
  queries: Queries,
  model: ModelKey,
  serials: readonly string[],
): Promise<AllowListRecord[]> {
  const found: AllowListRecord[] = [];
  for (let at = 0; at < serials.length; at += 500) {
    const rows = await queries
      .selectFrom('AllowListEntry')
      .select(ENTRY)
      .where('brandId', '=', model.brandId)
      .where('modelName', '=', model.modelName)
      .where('serial', 'in', serials.slice(at, at + 500))
      .execute();
    found.push(...rows);
  }
  return found;
}

/**
 * The entries that could be a device's: those bound to its key or taken by it, that of the serial it proposes, and, when it
 * may have any (`pool`), the first that is free.
 */
export async function allowListCandidates(
  queries: Queries,
  model: ModelKey,
  device: { readonly deviceKeyId: string; readonly proposed: string | undefined; readonly pool: boolean },
): Promise<AllowListRecord[]> {
  const own = await queries
    .selectFrom('AllowListEntry')
    .select(ENTRY)
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where((eb) =>
      eb.or([
        eb('deviceKeyId', '=', device.deviceKeyId),
        eb('takenBy', '=', device.deviceKeyId),
        eb('serial', '=', device.proposed ?? ''),
      ]),
    )
    .orderBy('id')
    .execute();
  if (own.length > 0 || !device.pool || device.proposed !== undefined) return own;
  return queries
    .selectFrom('AllowListEntry')
    .select(ENTRY)
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('deviceKeyId', 'is', null)
    .where('takenBy', 'is', null)
    .orderBy('id')
    .limit(1)
    .execute();
}

/** Writes entries; one that is there gets the new device key and note. */
export async function putAllowList(
  queries: Queries,
  model: ModelKey,
  entries: readonly {
    readonly serial: string;
    readonly deviceKeyId: string | undefined;
    readonly note: string;
  }[],
  by: { readonly actor: string; readonly at: Date },
): Promise<void> {
  for (let at = 0; at < entries.length; at += 250) {
    const rows = entries.slice(at, at + 250).map((entry) => ({
      ...model,
      serial: entry.serial,
      deviceKeyId: entry.deviceKeyId ?? null,
      note: entry.note,
      createdAt: by.at.toISOString(),
      createdBy: by.actor,
      takenBy: null,
      takenAt: null,
    }));
    await queries
      .insertInto('AllowListEntry')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['brandId', 'modelName', 'serial']).doUpdateSet((eb) => ({
          deviceKeyId: eb.ref('excluded.deviceKeyId'),
          note: eb.ref('excluded.note'),
        })),
      )
      .execute();
  }
}

/** Removes entries that no device took. @returns how many went */
export async function removeAllowList(
  queries: Queries,
  model: ModelKey,
  serials: readonly string[],
): Promise<readonly string[]> {
  const removed = await queries
    .deleteFrom('AllowListEntry')
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('serial', 'in', serials)
    .where('takenBy', 'is', null)
    .returning('serial')
    .execute();
  return removed.map(({ serial }) => serial);
}

/** Notes which device key took an entry. @returns false when another one has it, or it is bound to another one, meanwhile */
export async function takeAllowListEntry(
  queries: Queries,
  model: ModelKey,
  taken: { readonly serial: string; readonly deviceKeyId: string; readonly at: Date },
): Promise<boolean> {
  const result = await queries
    .updateTable('AllowListEntry')
    .set({ takenBy: taken.deviceKeyId, takenAt: taken.at.toISOString() })
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('serial', '=', taken.serial)
    .where((eb) => eb.or([eb('takenBy', 'is', null), eb('takenBy', '=', taken.deviceKeyId)]))
    .where((eb) => eb.or([eb('deviceKeyId', 'is', null), eb('deviceKeyId', '=', taken.deviceKeyId)]))
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}

/** Who used a claim code; undefined: nobody. */
export async function claimSpentBy(
  queries: Queries,
  model: ModelKey,
  label: string,
): Promise<string | undefined> {
  const row = await queries
    .selectFrom('SpentClaim')
    .select('deviceKeyId')
    .where('brandId', '=', model.brandId)
    .where('modelName', '=', model.modelName)
    .where('label', '=', label)
    .executeTakeFirst();
  return row?.deviceKeyId;
}

/** Uses a claim code up. @returns false when another device was quicker */
export async function spendClaim(
  queries: Queries,
  model: ModelKey,
  claim: { readonly label: string; readonly deviceKeyId: string; readonly at: Date },
): Promise<boolean> {
  const result = await queries
    .insertInto('SpentClaim')
    .values({ ...model, label: claim.label, deviceKeyId: claim.deviceKeyId, spentAt: claim.at.toISOString() })
    .onConflict((conflict) => conflict.columns(['brandId', 'modelName', 'label']).doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows ?? 0) === 1;
}
