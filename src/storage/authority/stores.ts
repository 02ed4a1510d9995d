import { checkParent, GENERAL_STORE, isStoreId } from '../../brands/index.ts';
import { AirlockError } from '../../errors.ts';
import { appendAct } from '../audit-log.ts';
import type { Queries } from '../database.ts';
import { raiseGeneration } from '../generations.ts';
import { loadStoreLines } from '../store-views.ts';
import { findSnap } from './snaps.ts';

/** A new store. A `brand` store holds a brand's snaps; a `device-view` store is what its devices look at. */
export interface NewStore {
  readonly id: string;
  readonly name: string;
  readonly kind: 'brand' | 'device-view';
  readonly brandId: string;
  /** The store that it is a sub-store of; null for none, absent for the one that it has. */
  readonly parent?: string | null | undefined;
  readonly includes: readonly NewInclusion[];
  /** Other brands whose stores may include it. */
  readonly sharedWith?: readonly string[];
}

/** Another store's snaps that a store shows: all public ones, or those named. */
export interface NewInclusion {
  readonly storeId: string;
  readonly snaps: 'all' | readonly string[];
}

/**
 * Adds a store with what it includes and with whom it is shared; for a store that is there, replaces both. Call it in a transaction, and
 * have the store's assertion issued after it, and those of the stores below it.
 *
 * @throws AirlockError `store-id-invalid`, `store-exists`, `store-unknown`, `store-of-other-brand`, `store-parent-invalid`, `snap-unknown`
 */
export async function putStore(queries: Queries, store: NewStore, at: Date): Promise<void> {
  if (!isStoreId(store.id) || store.id === GENERAL_STORE) {
    const sentence = `cannot use the store id "${store.id.slice(0, 80)}": it needs letters, digits, - or _, and is not ${GENERAL_STORE}`;
    throw new AirlockError('invalid', 'store-id-invalid', sentence);
  }
  const present = await queries.selectFrom('Store').selectAll().where('id', '=', store.id).executeTakeFirst();
  if (present && (present.brandId !== store.brandId || present.kind !== store.kind)) {
    const sentence = `cannot add the store "${store.id}": another brand or kind of store has that id`;
    throw new AirlockError('conflict', 'store-exists', sentence);
  }
  const { id, name, kind, brandId, parent: parentId = present?.parentId ?? null, sharedWith = [] } = store;
  if (parentId !== null) checkParent(await loadStoreLines(queries), { id, brandId }, parentId);
  const changedAt = at.toISOString();
  await queries
    .insertInto('Store')
    .values({ id, name, kind, brandId, parentId, createdAt: changedAt, changedAt })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ name, parentId, changedAt }))
    .execute();
  await replaceInclusions(queries, store);
  await queries.deleteFrom('StoreShare').where('storeId', '=', id).execute();
  for (const other of new Set(sharedWith))
    await queries.insertInto('StoreShare').values({ storeId: id, brandId: other }).execute();
  await appendAct(queries, {
    at,
    actor: 'operator',
    act: 'store.put',
    subject: id,
    details: {
      storeKind: kind,
      brandId,
      ...(parentId !== null && { parent: parentId }),
      ...(sharedWith.length > 0 && { sharedWith: [...sharedWith] }),
    },
  });
  await raiseGeneration(queries, 'catalog');
}

async function replaceInclusions(queries: Queries, { id, brandId, includes }: NewStore): Promise<void> {
  await queries.deleteFrom('StoreInclusionSnap').where('storeId', '=', id).execute();
  await queries.deleteFrom('StoreInclusion').where('storeId', '=', id).execute();
  for (const { storeId: includedStoreId, snaps } of includes) {
    const included = await requireStore(queries, includedStoreId);
    if (
      includedStoreId !== GENERAL_STORE &&
      included.brandId !== brandId &&
      !(await isSharedWith(queries, includedStoreId, brandId))
    ) {
      const sentence = `cannot include the store "${includedStoreId}" in "${id}": it is of another brand, and not shared with ${brandId}; its owner does that with "airlock authority create store ${includedStoreId} … --share-with ${brandId}"`;
      throw new AirlockError('forbidden', 'store-of-other-brand', sentence);
    }
    await queries
      .insertInto('StoreInclusion')
      .values({ storeId: id, includedStoreId, allSnaps: snaps === 'all' })
      .execute();
    for (const name of snaps === 'all' ? [] : snaps) {
      const snap = await findSnap(queries, name);
      await queries
        .insertInto('StoreInclusionSnap')
        .values({ storeId: id, includedStoreId, snapId: snap.snapId, snapName: name })
        .execute();
    }
  }
}

/** Whether the owner of a store lets the stores of a brand include it. */
export async function isSharedWith(queries: Queries, storeId: string, brandId: string): Promise<boolean> {
  const row = await queries
    .selectFrom('StoreShare')
    .select('id')
    .where('storeId', '=', storeId)
    .where('brandId', '=', brandId)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * The store of an id.
 *
 * @throws AirlockError `store-unknown`
 */
export async function requireStore(queries: Queries, id: string) {
  const row = await queries
    .selectFrom('Store')
    .select(['id', 'name', 'kind', 'brandId'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row) return row;
  throw new AirlockError(
    'not-found',
    'store-unknown',
    `cannot find the store "${id.slice(0, 80)}": there is none of that id`,
  );
}

/** Every store, by id. */
export async function listStores(queries: Queries) {
  return queries.selectFrom('Store').select(['id', 'name', 'kind', 'brandId']).orderBy('id').execute();
}
