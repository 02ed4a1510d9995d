import { BrandError } from './errors.ts';
import { GENERAL_STORE, type Stores } from './store.ts';

/** A store as far as its place below others depends on it. */
export interface StoreInLine {
  /** The account whose devices this store serves; undefined only for the general store. */
  readonly brandId: string | undefined;
  /** The store that this one is a sub-store of. */
  readonly parent: string | undefined;
}

/** Every store of this host with its parent, by id. */
export type StoreLines = ReadonlyMap<string, StoreInLine>;

/** How many stores may stand above a sub-store, one over the other. */
export const ANCESTORS_MAX = 4;

/**
 * The stores above a sub-store, its parent first. What holds "on-store" one of them holds for devices of the sub-store too:
 * they are the friendly-stores of its store assertion (protocol/devices.md section 7). A parent shows nothing by itself: what devices see
 * of it is a matter of inclusion. Ends at a store that is not among the lines, and before one comes twice.
 */
export function ancestorsOf(lines: StoreLines, storeId: string): readonly string[] {
  const found: string[] = [];
  let parent = lines.get(storeId)?.parent;
  while (
    parent !== undefined &&
    found.length < ANCESTORS_MAX &&
    parent !== storeId &&
    !found.includes(parent)
  ) {
    found.push(parent);
    parent = lines.get(parent)?.parent;
  }
  return found;
}

/** The stores that have this one above them, and so speak of it in their store assertions. */
export function descendantsOf(lines: StoreLines, storeId: string): readonly string[] {
  return [...lines.keys()].filter((id) => ancestorsOf(lines, id).includes(storeId));
}

/**
 * The stores that show snaps of this one and do not stand below it: what is tied to it "on-store" does not hold for their devices.
 */
export function apartFrom(stores: Stores, lines: StoreLines, storeId: string): readonly string[] {
  const showing = new Set([storeId]);
  // A set goes on with what is added to it meanwhile: those that show a store which shows this one come in turn.
  for (const shown of showing)
    for (const { id, includes } of stores.values())
      if (includes.some(({ store }) => store === shown)) showing.add(id);
  const below = new Set([storeId, ...descendantsOf(lines, storeId)]);
  return [...showing].filter((id) => !below.has(id)).toSorted();
}

/**
 * Refuses a parent that a store cannot have: one that is not there, of another brand, itself or below itself, or with too many stores
 * over each other.
 * @throws BrandError `store-of-other-brand`, `store-parent-invalid`
 */
export function checkParent(
  lines: StoreLines,
  store: { readonly id: string; readonly brandId: string },
  parentId: string,
): void {
  const named = parentId.slice(0, 80);
  const refused = (reason: string) =>
    new BrandError('store-parent-invalid', `cannot make "${store.id}" a sub-store of "${named}": ${reason}`);
  const parent = lines.get(parentId);
  if (parent === undefined) throw refused('there is no store of that id; create it first');
  if (parentId === GENERAL_STORE) throw refused("the general store is nobody's; include it instead");
  if (parent.brandId !== store.brandId)
    throw new BrandError(
      'store-of-other-brand',
      `cannot make "${store.id}" a sub-store of "${named}": that store is not of the brand ${store.brandId}; name one that is`,
    );
  if (parentId === store.id) throw refused('that is itself; name another store');
  const above = ancestorsOf(lines, parentId);
  if (above.includes(store.id))
    throw refused(`that one is below it already; take the parent of "${parentId}" away first`);
  const height = above.length + 1 + heightBelow(lines, store.id);
  if (height > ANCESTORS_MAX)
    throw refused(
      `that would be ${height} stores over the lowest, and ${ANCESTORS_MAX} is the most; name a parent that stands higher`,
    );
}

/** How many stores stand below one, in the longest row. */
function heightBelow(lines: StoreLines, storeId: string): number {
  return Math.max(0, ...[...lines.keys()].map((id) => ancestorsOf(lines, id).indexOf(storeId) + 1));
}
