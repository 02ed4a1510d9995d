import { defineEntity, p } from '@mikro-orm/core';
import { moment, shortId } from './columns.ts';

/** A store: the general one, a brand store, or a device-view store (what a brand's devices look at). */
export const Store = defineEntity({
  name: 'Store',
  tableName: 'store',
  properties: {
    id: shortId().primary(),
    name: p.string().length(255),
    /** `general`, `brand` or `device-view`. */
    kind: p.string().length(16),
    brandId: shortId().nullable(),
    /** The store of the same brand that this one is a sub-store of. */
    parentId: shortId().nullable(),
    createdAt: moment(),
    changedAt: moment(),
  },
});

/** That a store includes another: all of it, or the snaps listed in `StoreInclusionSnap`. */
export const StoreInclusion = defineEntity({
  name: 'StoreInclusion',
  tableName: 'store_inclusion',
  uniques: [{ properties: ['storeId', 'includedStoreId'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    storeId: shortId(),
    includedStoreId: shortId(),
    /** False: only the listed snaps. */
    allSnaps: p.boolean(),
  },
});

/** That a store's owner lets the stores of another brand include it. */
export const StoreShare = defineEntity({
  name: 'StoreShare',
  tableName: 'store_share',
  uniques: [{ properties: ['storeId', 'brandId'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    storeId: shortId(),
    /** Who may include it. */
    brandId: shortId(),
  },
});

/** One snap on a store's inclusion list. The snap itself may not have been imported yet. */
export const StoreInclusionSnap = defineEntity({
  name: 'StoreInclusionSnap',
  tableName: 'store_inclusion_snap',
  uniques: [{ properties: ['storeId', 'includedStoreId', 'snapId'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    storeId: shortId(),
    includedStoreId: shortId(),
    snapId: shortId(),
    snapName: p.string().length(64),
  },
});
