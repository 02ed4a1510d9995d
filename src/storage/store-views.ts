import {
  GENERAL_STORE,
  type Inclusion,
  type StoreLines,
  type Stores,
  type StoreView,
} from '../brands/index.ts';
import type { Queries } from './database.ts';

/** Reads every store and what it includes. */
export async function loadStores(queries: Queries): Promise<Stores> {
  const [stores, inclusions, listed, shares] = await Promise.all([
    queries.selectFrom('Store').select(['id', 'kind', 'brandId']).execute(),
    queries.selectFrom('StoreInclusion').select(['storeId', 'includedStoreId', 'allSnaps']).execute(),
    queries.selectFrom('StoreInclusionSnap').select(['storeId', 'includedStoreId', 'snapId']).execute(),
    queries.selectFrom('StoreShare').select(['storeId', 'brandId']).execute(),
  ]);
  const lists = Map.groupBy(listed, (row) => `${row.storeId} ${row.includedStoreId}`);
  const inclusionsOf = Map.groupBy(inclusions, (row) => row.storeId);
  const sharesOf = Map.groupBy(shares, (row) => row.storeId);
  return new Map(
    stores.map((row): [string, StoreView] => {
      const includes = (inclusionsOf.get(row.id) ?? []).map((inclusion): Inclusion => {
        const list = lists.get(`${inclusion.storeId} ${inclusion.includedStoreId}`) ?? [];
        return {
          store: inclusion.includedStoreId,
          snaps: inclusion.allSnaps ? 'all' : new Set(list.map((each) => each.snapId)),
        };
      });
      const kind =
        row.id === GENERAL_STORE ? 'general' : row.kind === 'device-view' ? 'device-view' : 'brand';
      const sharedWith = new Set((sharesOf.get(row.id) ?? []).map((each) => each.brandId));
      return [row.id, { id: row.id, kind, brandId: row.brandId ?? undefined, includes, sharedWith }];
    }),
  );
}

/** Reads every store's brand and parent. */
export async function loadStoreLines(queries: Queries): Promise<StoreLines> {
  const rows = await queries
    .selectFrom('Store')
    .select(['id', 'brandId', 'parentId'])
    .orderBy('id')
    .execute();
  return new Map(
    rows.map(({ id, brandId, parentId }) => [
      id,
      { brandId: brandId ?? undefined, parent: parentId ?? undefined },
    ]),
  );
}
