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

/** A store as its definition is shown to people. */
export interface StoreDescription {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly brandId: string | null;
  /** The store that it is a sub-store of. */
  readonly parent: string | null;
  /** What it shows of others: all of it, or as many snaps as are on the list, whether they are here or not. */
  readonly includes: readonly { readonly store: string; readonly snaps: 'all' | number }[];
}

/** Every store by id, with its parent and what it includes. */
export async function describeStores(queries: Queries): Promise<readonly StoreDescription[]> {
  const stores = await queries
    .selectFrom('Store')
    .select(['id', 'name', 'kind', 'brandId', 'parentId'])
    .orderBy('id')
    .execute();
  const inclusions = await queries
    .selectFrom('StoreInclusion')
    .select(['storeId', 'includedStoreId', 'allSnaps'])
    .orderBy('includedStoreId')
    .execute();
  const counts = await queries
    .selectFrom('StoreInclusionSnap')
    .select(['storeId', 'includedStoreId', (eb) => eb.fn.countAll().as('snaps')])
    .groupBy(['storeId', 'includedStoreId'])
    .execute();
  const listed = new Map(
    counts.map(({ storeId, includedStoreId, snaps }) => [`${storeId} ${includedStoreId}`, Number(snaps)]),
  );
  const inclusionsOf = Map.groupBy(inclusions, ({ storeId }) => storeId);
  return stores.map(({ parentId, ...store }) => ({
    ...store,
    parent: parentId,
    includes: (inclusionsOf.get(store.id) ?? []).map(({ includedStoreId, allSnaps }) => ({
      store: includedStoreId,
      snaps: allSnaps ? ('all' as const) : (listed.get(`${store.id} ${includedStoreId}`) ?? 0),
    })),
  }));
}
