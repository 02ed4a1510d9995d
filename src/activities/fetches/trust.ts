import { publicRoot, text, verifyBatch, type Assertion } from '../../assertions/index.ts';
import { assertionSource, trustedRoots } from '../../storage/index.ts';
import {
  AssertionFetcher,
  UpstreamError,
  type KnownSupports,
  type StoreClient,
} from '../../upstream/index.ts';
import type { FetchDeps } from './client.ts';
import { trustAnchors } from '../imports/verify.ts';

/**
 * Whoever fetches assertions of the upstream down to the roots that this host trusts.
 * @param supports what other steps of the same fetch found
 */
export async function assertionFetcher(
  client: StoreClient,
  { database }: FetchDeps,
  signal: AbortSignal,
  supports?: KnownSupports,
): Promise<AssertionFetcher> {
  const roots = [...publicRoot(), ...(await trustedRoots(database.queries))];
  return new AssertionFetcher(client, roots, signal, supports);
}

/**
 * Verifies what the upstream gave down to a root that this host trusts.
 * @throws AssertionError
 */
export async function verifyFetched(
  assertions: readonly Assertion[],
  { database, now }: FetchDeps,
): Promise<void> {
  const { queries } = database;
  await verifyBatch(assertions, {
    source: assertionSource(queries),
    trusted: await trustAnchors(queries),
    now: now(),
  });
}

/**
 * Keys of another account would be carried in unnoticed: those that were asked for are its own.
 * @param account undefined where there is none: a store without a brand
 * @throws UpstreamError `key-of-other-account`
 */
export function requireOwnKeys(
  account: string | undefined,
  keys: readonly string[],
  assertions: readonly Assertion[],
): void {
  for (const assertion of assertions) {
    const [id = ''] = assertion.primaryKey;
    if (assertion.type !== 'account-key' || !keys.includes(id)) continue;
    const owner = text(assertion, 'account-id');
    if (owner !== account)
      throw new UpstreamError(
        'key-of-other-account',
        `cannot fetch the account-key ${id} for ${account ?? 'a store without a brand'}: it is one of ${owner}`,
      );
  }
}
