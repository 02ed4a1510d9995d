import { z } from 'zod';
import type { Queries } from '../storage/index.ts';

const row = z.record(z.string(), z.unknown());

/** Everything that an import changed, as it was before: what a rollback puts back. Ids are those of the tables. */
export const undoSchema = z.object({
  assertions: z.array(z.object({ type: z.string(), primaryKey: z.string(), revision: z.number() })),
  accountsAdded: z.array(z.string()),
  snapsAdded: z.array(z.string()),
  snapsBefore: z.array(row),
  revisionsAdded: z.array(z.number()),
  releasesAdded: z.array(z.number()),
  releasesEnded: z.array(z.number()),
  storesAdded: z.array(z.string()),
  storesBefore: z.array(row),
  inclusionsOf: z.array(z.string()),
  inclusionsBefore: z.array(row),
  includedSnapsBefore: z.array(row),
  rolesAdded: z.array(z.number()),
  tokensAdded: z.array(z.string()),
  /** Components came later than the first records. */
  componentsAdded: z.array(z.number()).default([]),
  pairsAdded: z.array(z.number()).default([]),
  pairsBefore: z.array(z.object({ id: z.number(), resourceRevision: z.number() })).default([]),
  pin: z.object({ storeId: z.string(), before: row.nullable() }).nullable(),
});

/** See `undoSchema`. */
export type Undo = z.output<typeof undoSchema>;

/** An import that changed nothing yet. */
export function emptyUndo(): Undo {
  return {
    assertions: [],
    accountsAdded: [],
    snapsAdded: [],
    snapsBefore: [],
    revisionsAdded: [],
    releasesAdded: [],
    releasesEnded: [],
    storesAdded: [],
    storesBefore: [],
    inclusionsOf: [],
    inclusionsBefore: [],
    includedSnapsBefore: [],
    rolesAdded: [],
    tokensAdded: [],
    componentsAdded: [],
    pairsAdded: [],
    pairsBefore: [],
    pin: null,
  };
}

const storeRow = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  brandId: z.string().nullable(),
  changedAt: z.string(),
});
const snapRow = z.looseObject({
  snapId: z.string(),
  storeId: z.string(),
  publisherId: z.string(),
  private: z.coerce.boolean(),
  type: z.string(),
  title: z.string(),
  summary: z.string(),
  description: z.string(),
  license: z.string().nullable(),
  contact: z.string().nullable(),
  website: z.string().nullable(),
  links: z.record(z.string(), z.array(z.string())),
  media: z.array(z.object({ type: z.string(), url: z.string() })),
  categories: z.array(z.object({ name: z.string(), featured: z.boolean() })),
  defaultTrack: z.string().nullable(),
  changedAt: z.string(),
});
const inclusionRow = z.object({
  storeId: z.string(),
  includedStoreId: z.string(),
  allSnaps: z.coerce.boolean(),
});
const includedSnapRow = z.object({
  storeId: z.string(),
  includedStoreId: z.string(),
  snapId: z.string(),
  snapName: z.string(),
});
const pinRow = z.object({
  fingerprint: z.string(),
  publicKey: row,
  pinnedAt: z.string(),
  newestExport: z.string(),
});

/** Puts everything back, in the transaction that the caller opened. */
export async function applyUndo(queries: Queries, undo: Undo): Promise<void> {
  await undoCatalog(queries, undo);
  await undoStores(queries, undo);
  for (const { type, primaryKey, revision } of undo.assertions)
    await queries
      .deleteFrom('StoredAssertion')
      .where('type', '=', type)
      .where('primaryKey', '=', primaryKey)
      .where('revision', '=', revision)
      .where('trusted', '=', false)
      .execute();
  for (const id of undo.rolesAdded) await queries.deleteFrom('StoreRole').where('id', '=', id).execute();
  for (const id of undo.tokensAdded) await queries.deleteFrom('Token').where('sessionId', '=', id).execute();
  for (const id of undo.accountsAdded) await queries.deleteFrom('Account').where('id', '=', id).execute();
  if (undo.pin === null) return;
  await queries.deleteFrom('PinnedExporter').where('storeId', '=', undo.pin.storeId).execute();
  if (undo.pin.before !== null)
    await queries
      .insertInto('PinnedExporter')
      .values({ storeId: undo.pin.storeId, ...pinRow.parse(undo.pin.before) })
      .execute();
}

async function undoCatalog(queries: Queries, undo: Undo): Promise<void> {
  for (const id of undo.releasesAdded)
    await queries.deleteFrom('ChannelRelease').where('id', '=', id).execute();
  for (const id of undo.releasesEnded)
    await queries.updateTable('ChannelRelease').set({ endedAt: null }).where('id', '=', id).execute();
  for (const id of undo.pairsAdded)
    await queries.deleteFrom('SnapResourcePair').where('id', '=', id).execute();
  for (const { id, resourceRevision } of undo.pairsBefore)
    await queries.updateTable('SnapResourcePair').set({ resourceRevision }).where('id', '=', id).execute();
  for (const id of undo.componentsAdded)
    await queries.deleteFrom('SnapResource').where('id', '=', id).execute();
  for (const id of undo.revisionsAdded)
    await queries.deleteFrom('SnapRevision').where('id', '=', id).execute();
  for (const id of undo.snapsAdded) await queries.deleteFrom('Snap').where('snapId', '=', id).execute();
  for (const before of undo.snapsBefore) {
    const { snapId, ...values } = snapRow.parse(before);
    await queries
      .updateTable('Snap')
      .set({
        storeId: values.storeId,
        publisherId: values.publisherId,
        private: values.private,
        type: values.type,
        title: values.title,
        summary: values.summary,
        description: values.description,
        license: values.license,
        contact: values.contact,
        website: values.website,
        links: values.links,
        media: values.media,
        categories: values.categories,
        defaultTrack: values.defaultTrack,
        changedAt: values.changedAt,
      })
      .where('snapId', '=', snapId)
      .execute();
  }
}

async function undoStores(queries: Queries, undo: Undo): Promise<void> {
  for (const id of undo.inclusionsOf) {
    await queries.deleteFrom('StoreInclusion').where('storeId', '=', id).execute();
    await queries.deleteFrom('StoreInclusionSnap').where('storeId', '=', id).execute();
  }
  for (const before of undo.inclusionsBefore)
    await queries.insertInto('StoreInclusion').values(inclusionRow.parse(before)).execute();
  for (const before of undo.includedSnapsBefore)
    await queries.insertInto('StoreInclusionSnap').values(includedSnapRow.parse(before)).execute();
  for (const id of undo.storesAdded) await queries.deleteFrom('Store').where('id', '=', id).execute();
  for (const before of undo.storesBefore) {
    const { id, ...values } = storeRow.parse(before);
    await queries.updateTable('Store').set(values).where('id', '=', id).execute();
  }
}
