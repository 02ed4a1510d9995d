import { GENERAL_STORE } from '../../brands/index.ts';
import type { ManifestStore } from '../../bundles/index.ts';
import type { Queries } from '../../storage/index.ts';
import { ExportError } from './errors.ts';

/** How many inclusions in a row are followed. */
const DEPTH = 4;

/**
 * The store and those of its brand that it includes, as a manifest describes them; the general store where it is included.
 * @throws ExportError `store-unknown`
 */
export async function storesFor(queries: Queries, storeId: string): Promise<readonly ManifestStore[]> {
  const found = new Map<string, ManifestStore>();
  const visit = async (id: string, depth: number): Promise<void> => {
    if (found.has(id) || depth === 0) return;
    const row = await queries.selectFrom('Store').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) {
      if (depth < DEPTH) return;
      throw new ExportError(
        'store-unknown',
        `cannot export store ${id}: it is not here; check the store's id`,
      );
    }
    const main = found.values().next().value;
    if (main !== undefined && row.brandId !== main.brandId && id !== GENERAL_STORE) return;
    const includes = id === GENERAL_STORE ? [] : await includesOf(queries, id);
    const sharedWith = id === GENERAL_STORE ? [] : await sharesOf(queries, id);
    found.set(id, {
      id,
      name: row.name,
      kind: id === GENERAL_STORE ? 'general' : row.kind === 'device-view' ? 'device-view' : 'brand',
      brandId: row.brandId,
      ...(row.parentId !== null && { parent: row.parentId }),
      includes: [...includes],
      ...(sharedWith.length > 0 && { sharedWith }),
    });
    for (const { store } of includes) await visit(store, depth - 1);
  };
  await visit(storeId, DEPTH);
  return [...found.values()];
}

/**
 * Stores with the consents that one export adds to what their definitions say.
 * @throws ExportError `store-unknown`
 */
export function withShares(
  stores: readonly ManifestStore[],
  shares: readonly { readonly store: string; readonly brands: readonly string[] }[],
): readonly ManifestStore[] {
  for (const { store } of shares)
    if (store === GENERAL_STORE || !stores.some(({ id }) => id === store))
      throw new ExportError(
        'store-unknown',
        `cannot share the store ${store}: this export describes no such store of the brand`,
      );
  return stores.map((store) => {
    const added = shares.filter((share) => share.store === store.id).flatMap(({ brands }) => brands);
    const all = new Set([...(store.sharedWith ?? []), ...added]);
    return all.size === 0 ? store : { ...store, sharedWith: [...all].toSorted() };
  });
}

/** The brands whose stores may include a store. */
async function sharesOf(queries: Queries, storeId: string): Promise<string[]> {
  const rows = await queries
    .selectFrom('StoreShare')
    .select('brandId')
    .where('storeId', '=', storeId)
    .orderBy('brandId')
    .execute();
  return rows.map(({ brandId }) => brandId);
}

async function includesOf(queries: Queries, storeId: string): Promise<ManifestStore['includes']> {
  const inclusions = await queries
    .selectFrom('StoreInclusion')
    .select(['includedStoreId', 'allSnaps'])
    .where('storeId', '=', storeId)
    .orderBy('id')
    .execute();
  const listed = await queries
    .selectFrom('StoreInclusionSnap')
    .select(['includedStoreId', 'snapId', 'snapName'])
    .where('storeId', '=', storeId)
    .orderBy('id')
    .execute();
  return inclusions.map(({ includedStoreId, allSnaps }) => ({
    store: includedStoreId,
    snaps: allSnaps
      ? null
      : listed
          .filter((row) => row.includedStoreId === includedStoreId)
          .map(({ snapId, snapName }) => ({ snapId, name: snapName })),
  }));
}
