import { GENERAL_STORE, mayInclude, type Stores } from './store.ts';

/** Who asks: a client that proved nothing, or a device whose session names its brand and store. */
export type Viewer =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'device'; readonly brandId: string; readonly storeId: string };

/** A snap as far as access depends on it. */
export interface SnapInStore {
  readonly snapId: string;
  readonly storeId: string;
  readonly private: boolean;
}

/** The client that proved nothing. */
export const ANONYMOUS: Viewer = { kind: 'anonymous' };

/** How many inclusions in a row are followed; also ends a circle. */
const DEPTH_MAX = 4;

/**
 * Whether the viewer may know of the snap (DESIGN 7). This is the only rule: every route asks it, and what it hides is
 * answered exactly as what does not exist.
 *
 * A client that proved nothing sees the general store's public snaps. A device sees its store's own snaps and those
 * that the store includes, as far as each inclusion's list says; a private snap of the general store only where a list names
 * it, and a private snap of a brand's store to devices of another only where the
 * store that keeps it is shared with them.
 */
export function visibility(viewer: Viewer, snap: SnapInStore, stores: Stores): boolean {
  switch (viewer.kind) {
    case 'anonymous':
      return snap.storeId === GENERAL_STORE && !snap.private;
    case 'device': {
      if (viewer.storeId === GENERAL_STORE) return snap.storeId === GENERAL_STORE && !snap.private;
      const store = stores.get(viewer.storeId);
      if (store === undefined || store.brandId !== viewer.brandId) return false;
      if (snap.storeId === viewer.storeId) return true;
      return isIncluded({ storeId: viewer.storeId, brandId: viewer.brandId }, snap, stores, DEPTH_MAX);
    }
    default:
      return viewer satisfies never;
  }
}

function isIncluded(
  { storeId, brandId }: { readonly storeId: string; readonly brandId: string },
  snap: SnapInStore,
  stores: Stores,
  depth: number,
): boolean {
  if (depth === 0) return false;
  for (const { store, snaps } of stores.get(storeId)?.includes ?? []) {
    const listed = snaps !== 'all' && snaps.has(snap.snapId);
    if (snaps !== 'all' && !listed) continue;
    const included = stores.get(store);
    const isOwn = store === GENERAL_STORE || included?.brandId === brandId;
    if (snap.private && !isOwn && !(included && mayInclude(brandId, included))) continue;
    if (snap.storeId === store && (listed || isOpen(snap))) return true;
    // A store of another brand that is shared shares what is kept in it, and no private snap that it includes itself.
    if (snap.private && !isOwn) continue;
    if (isIncluded({ storeId: store, brandId }, snap, stores, depth - 1)) return true;
  }
  return false;
}

/** Without a list: what is not private, and all of a brand's own store (a device-view store over its brand store). */
function isOpen(snap: SnapInStore): boolean {
  return !snap.private || snap.storeId !== GENERAL_STORE;
}
