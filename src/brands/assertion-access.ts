import type { Stores } from './store.ts';
import type { Viewer } from './visibility.ts';

/** An assertion as far as access depends on it. */
export interface AssertionInStore {
  readonly type: string;
  /** The values of its primary key, in the type's order. */
  readonly primaryKey: readonly string[];
  /** For a store assertion: whether it describes this very host, which any client may set itself up with. */
  readonly ownStore: boolean;
}

/** Who may have an assertion: `snap` means whoever may see all the snaps it speaks of. */
export type AssertionAccess = 'yes' | 'no' | 'snap';

/**
 * Who may fetch an assertion (DESIGN 7, issue 4 part 6). Identities and keys are for everybody: a device that is still
 * registering has no session and needs them. What speaks of a snap follows the snap. What a brand says about its
 * devices stays with its devices. Everything else is not handed out.
 */
export function assertionAccess(
  viewer: Viewer,
  assertion: AssertionInStore,
  stores: Stores,
): AssertionAccess {
  const key = assertion.primaryKey;
  switch (assertion.type) {
    case 'account':
    case 'account-key':
    case 'base-declaration':
      return 'yes';
    case 'snap-declaration':
    case 'snap-revision':
    case 'snap-build':
    case 'snap-developer':
    case 'snap-resource-revision':
    case 'snap-resource-pair':
    case 'validation':
      return 'snap';
    case 'validation-set':
      return ofBrand(viewer, key[1]) === 'yes' ? 'yes' : 'snap';
    case 'store':
      return assertion.ownStore || isStoreOf(viewer, key[0]) ? 'yes' : 'no';
    case 'model':
    case 'preseed':
      return ofBrand(viewer, key[1]);
    case 'serial':
    case 'system-user':
      return ofBrand(viewer, key[0]);
    case 'repair':
    case 'confdb-schema':
      return ofHostedBrand(viewer, key[0], stores);
    default:
      return 'no';
  }
}

function isStoreOf(viewer: Viewer, store: string | undefined): boolean {
  return viewer.kind === 'device' && viewer.storeId === store;
}

/** A brand's own devices only. */
function ofBrand(viewer: Viewer, account: string | undefined): AssertionAccess {
  return viewer.kind === 'device' && viewer.brandId === account ? 'yes' : 'no';
}

/** As `ofBrand`, but an account without a store on this host speaks to everybody (the makers of snapd, say). */
function ofHostedBrand(viewer: Viewer, account: string | undefined, stores: Stores): AssertionAccess {
  for (const store of stores.values()) if (store.brandId === account) return ofBrand(viewer, account);
  return 'yes';
}
