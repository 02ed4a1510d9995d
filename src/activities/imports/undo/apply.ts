import { z } from 'zod';

import { blocked } from '../errors.ts';
import type { Undoing } from './undo.ts';
import { putBackRows } from './removed-rows.ts';
import { undoSnaps } from './snaps.ts';

const storeRow = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  brandId: z.string().nullable(),
  /** Records of old have none. */
  parentId: z.string().nullable().optional(),
  changedAt: z.string(),
});
const inclusionRow = z.object({
  /** Records of old have none. */
  id: z.number().optional(),
  storeId: z.string(),
  includedStoreId: z.string(),
  allSnaps: z.coerce.boolean(),
});
const includedSnapRow = z.object({
  id: z.number().optional(),
  storeId: z.string(),
  includedStoreId: z.string(),
  snapId: z.string(),
  snapName: z.string(),
});
const pinRow = z.object({
  fingerprint: z.string(),
  publicKey: z.record(z.string(), z.unknown()),
  pinnedAt: z.string(),
  newestExport: z.string(),
});

/**
 * Puts everything back, in the transaction that the caller opened, after every later act that can be undone was undone.
 * @throws ImportError `roll-back-blocked` when an act of another sort came in between
 */
export async function applyUndo(undoing: Undoing): Promise<void> {
  const { queries, undo, subject } = undoing;
  await putBackRows(queries, undo.removed, subject);
  await undoSnaps(undoing);
  await undoStores(undoing);
  for (const { type, primaryKey, revision } of undo.assertions)
    await queries
      .deleteFrom('StoredAssertion')
      .where('type', '=', type)
      .where('primaryKey', '=', primaryKey)
      .where('revision', '=', revision)
      .where('trusted', '=', false)
      .execute();
  await undoPeople(undoing);
  if (undo.pin === null) return;
  await queries.deleteFrom('PinnedExporter').where('storeId', '=', undo.pin.storeId).execute();
  if (undo.pin.before !== null)
    await queries
      .insertInto('PinnedExporter')
      .values({ storeId: undo.pin.storeId, ...pinRow.parse(undo.pin.before) })
      .execute();
}

async function undoStores(undoing: Undoing): Promise<void> {
  const { queries, undo, madeAt, subject } = undoing;
  await requireUnchangedStores(undoing);
  for (const id of undo.inclusionsOf) {
    await queries.deleteFrom('StoreInclusion').where('storeId', '=', id).execute();
    await queries.deleteFrom('StoreInclusionSnap').where('storeId', '=', id).execute();
  }
  for (const before of undo.inclusionsBefore)
    await queries.insertInto('StoreInclusion').values(inclusionRow.parse(before)).execute();
  for (const before of undo.includedSnapsBefore)
    await queries.insertInto('StoreInclusionSnap').values(includedSnapRow.parse(before)).execute();
  for (const id of undo.sharesOf) await queries.deleteFrom('StoreShare').where('storeId', '=', id).execute();
  for (const before of undo.sharesBefore) await queries.insertInto('StoreShare').values(before).execute();
  for (const id of undo.storesAdded) {
    await queries.deleteFrom('Store').where('id', '=', id).execute();
    const snap = await queries
      .selectFrom('Snap')
      .select('name')
      .where('storeId', '=', id)
      // Snaps may be here before their store is: those are left as they were then.
      .where((eb) => eb.or([eb('createdAt', '>', madeAt), eb('changedAt', '>', madeAt)]))
      .limit(1)
      .executeTakeFirst();
    if (snap !== undefined) throw blocked(subject, `the snap ${snap.name} came into the store ${id} since`);
    const other = await queries
      .selectFrom('StoreInclusion')
      .innerJoin('Store', 'Store.id', 'StoreInclusion.storeId')
      .select('StoreInclusion.storeId as storeId')
      .where('StoreInclusion.includedStoreId', '=', id)
      .where('Store.changedAt', '>', madeAt)
      .limit(1)
      .executeTakeFirst();
    if (other !== undefined) throw blocked(subject, `the store ${other.storeId} includes ${id} since`);
    const below = await queries
      .selectFrom('Store')
      .select('id')
      .where('parentId', '=', id)
      .where('changedAt', '>', madeAt)
      .limit(1)
      .executeTakeFirst();
    if (below !== undefined) throw blocked(subject, `the store ${below.id} is a sub-store of ${id} since`);
  }
  for (const before of undo.storesBefore) {
    const { id, ...values } = storeRow.parse(before);
    await queries.updateTable('Store').set(values).where('id', '=', id).execute();
  }
}

/** A store's row carries the moment of its last change; whoever changes what it includes by command sets it too. */
async function requireUnchangedStores({ queries, undo, madeAt, subject }: Undoing): Promise<void> {
  const touched = new Set([
    ...undo.inclusionsOf,
    ...undo.sharesOf,
    ...undo.storesAdded,
    ...undo.storesBefore.map((before) => storeRow.parse(before).id),
  ]);
  for (const id of touched) {
    const row = await queries.selectFrom('Store').select('changedAt').where('id', '=', id).executeTakeFirst();
    if (row === undefined || row.changedAt > madeAt)
      throw blocked(subject, `the store ${id} was changed since`);
  }
}

async function undoPeople({ queries, undo, subject }: Undoing): Promise<void> {
  for (const id of undo.rolesAdded) await queries.deleteFrom('StoreRole').where('id', '=', id).execute();
  // One that was revoked meanwhile stays, revoked: a later push of the same file must not make it good again.
  for (const id of undo.tokensAdded)
    await queries.deleteFrom('Token').where('sessionId', '=', id).where('revokedAt', 'is', null).execute();
  // The last first: one import may have changed an account twice.
  for (const { id, after, ...before } of undo.accountsBefore.toReversed()) {
    const row = await queries
      .selectFrom('Account')
      .select(['displayName', 'validation', 'email'])
      .where('id', '=', id)
      .executeTakeFirst();
    const same =
      row?.displayName === after?.displayName &&
      row?.email === after?.email &&
      (after?.validation === undefined || row?.validation === after.validation);
    if (row === undefined || (after !== undefined && !same))
      throw blocked(subject, `the account ${id} was changed since`);
    await queries.updateTable('Account').set(before).where('id', '=', id).execute();
  }
  for (const id of undo.accountsAdded) {
    const snap = await queries
      .selectFrom('Snap')
      .select('name')
      .where('publisherId', '=', id)
      .limit(1)
      .executeTakeFirst();
    if (snap !== undefined)
      throw blocked(subject, `the account ${id} that came with it publishes the snap ${snap.name} since`);
    await queries.deleteFrom('Account').where('id', '=', id).execute();
  }
}
