import { BrandError } from './errors.ts';

/** The general store's id, which snaps without a brand store belong to. */
export const GENERAL_STORE = 'ubuntu';

/** `general` is everybody's, `brand` holds a brand's snaps, `device-view` holds none and shows those of others. */
export type StoreKind = 'general' | 'brand' | 'device-view';

/** That a store shows snaps of another: all public ones, or those listed by id. */
export interface Inclusion {
  readonly store: string;
  readonly snaps: 'all' | ReadonlySet<string>;
}

/** A store as far as access depends on it. */
export interface StoreView {
  readonly id: string;
  readonly kind: StoreKind;
  /** The account whose devices this store serves; undefined only for the general store. */
  readonly brandId: string | undefined;
  readonly includes: readonly Inclusion[];
  /** Brands whose stores may include this one by its owner's word; nobody when absent. */
  readonly sharedWith?: ReadonlySet<string>;
}

/** Every store of this host, by id. */
export type Stores = ReadonlyMap<string, StoreView>;

/** Whether stores of a brand may include the store: the general one, one of the brand's own, or one that is shared with it. */
export function mayInclude(brandId: string, store: StoreView): boolean {
  return store.id === GENERAL_STORE || store.brandId === brandId || store.sharedWith?.has(brandId) === true;
}

const STORE_ID = /^[-A-Z0-9a-z_]{1,64}$/;

/** Whether the text has the form of a store id (protocol/devices.md section 7, on-store). */
export function isStoreId(text: string): boolean {
  return STORE_ID.test(text);
}

/**
 * The store that a device of this brand looks at, given the `store` header of its model. Without the header it is the
 * general store. A model is signed by its brand alone, so a brand could write another's store into it: only a store
 * that belongs to the brand counts. Throws `store-unknown` and `store-not-of-brand`.
 */
export function storeOfModel(stores: Stores, brandId: string, store: string | undefined): string {
  if (store === undefined || store === GENERAL_STORE) return GENERAL_STORE;
  const view = stores.get(store);
  if (view === undefined) {
    throw new BrandError(
      'store-unknown',
      'cannot serve this model: the store that it names is not hosted here',
    );
  }
  if (view.brandId !== brandId) {
    throw new BrandError(
      'store-not-of-brand',
      'cannot serve this model: its brand has no part in the store it names',
    );
  }
  return store;
}
