import type { Queries } from './database.ts';

/**
 * The store that this host says it is: the one that is set (`internal.store.id`), else the one that the first import of a store
 * that still stands was about; undefined before any.
 */
export async function ownStoreId(queries: Queries, set: string | undefined): Promise<string | undefined> {
  if (set !== undefined) return set;
  const first = await queries
    .selectFrom('ImportRecord')
    .select('storeId')
    .where('kind', 'in', ['store', 'store-metadata'])
    .where('outcome', '=', 'imported')
    .where('storeId', 'is not', null)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return first?.storeId ?? undefined;
}
