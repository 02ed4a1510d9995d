import { ANONYMOUS, visibility, type Viewer } from '../../brands/index.ts';
import type { ManifestStore } from '../../bundles/index.ts';
import { loadStores, type Queries } from '../../storage/index.ts';

/**
 * Ids of the snaps that devices of the first of these stores may see, by the rule that devices meet; and whether these are all
 * snaps of the brand's stores among them. A snap that is listed and not here is among the ids.
 */
export async function snapIdsOf(
  queries: Queries,
  stores: readonly ManifestStore[],
): Promise<{ readonly ids: readonly string[]; readonly all: boolean }> {
  const views = await loadStores(queries);
  const [main] = stores;
  const viewer: Viewer =
    main === undefined || main.brandId === null
      ? ANONYMOUS
      : { kind: 'device', brandId: main.brandId, storeId: main.id };
  const rows = await queries
    .selectFrom('Snap')
    .select(['snapId', 'storeId', 'private'])
    .orderBy('name')
    .execute();
  const own = new Set(stores.filter(({ kind }) => kind !== 'general').map(({ id }) => id));
  const [seen, hidden] = [new Set<string>(), new Set<string>()];
  for (const row of rows) {
    const isSeen = visibility(viewer, { ...row, private: Boolean(row.private) }, views);
    (isSeen ? seen : hidden).add(row.snapId);
  }
  const listed = stores.flatMap(({ includes }) => includes.flatMap(({ snaps }) => snaps ?? []));
  const absent = listed.map(({ snapId }) => snapId).filter((id) => !seen.has(id) && !hidden.has(id));
  return {
    ids: [...seen, ...absent],
    all: rows.every(({ snapId, storeId }) => !own.has(storeId) || seen.has(snapId)),
  };
}

/** Those of some snaps that an export brings: not those in stores of other brands, whose own exports alone say what is in them. */
export async function ownSnaps(
  queries: Queries,
  [main]: readonly ManifestStore[],
  snapIds: readonly string[],
): Promise<{ readonly ids: readonly string[]; readonly warnings: readonly string[] }> {
  if (main === undefined || main.brandId === null) return { ids: snapIds, warnings: [] };
  const rows = await queries
    .selectFrom('Snap')
    .innerJoin('Store', 'Store.id', 'Snap.storeId')
    .select(['Snap.snapId as snapId', 'Snap.storeId as storeId'])
    .where('Store.brandId', '!=', main.brandId)
    .execute();
  const others = new Map(rows.map(({ snapId, storeId }) => [snapId, storeId]));
  const from = new Set(snapIds.flatMap((id) => others.get(id) ?? []));
  return {
    ids: snapIds.filter((id) => !others.has(id)),
    warnings: [...from].map(otherBrandWarning),
  };
}

/** Says why the snaps of a store stay behind. */
export function otherBrandWarning(store: string): string {
  return `the snaps of ${store} are another brand's: they come with the export of its own brand`;
}

/** The names of snaps that come by themselves; one that is listed and not here is named by the list. */
export async function awaitedBy(
  queries: Queries,
  stores: readonly ManifestStore[],
): Promise<{ snapId: string; name: string }[]> {
  const { ids } = await snapIdsOf(queries, stores);
  const listed = stores.flatMap(({ includes }) => includes.flatMap(({ snaps }) => snaps ?? []));
  const rows = await queries.selectFrom('Snap').select(['snapId', 'name']).execute();
  const names = new Map([...listed, ...rows].map(({ snapId, name }) => [snapId, name]));
  return ids.flatMap((snapId) => {
    const name = names.get(snapId);
    return name === undefined ? [] : [{ snapId, name }];
  });
}
