import { decodeAssertion, isList, text, type Assertion } from '../../assertions/index.ts';
import { GENERAL_STORE } from '../../brands/index.ts';
import type { ManifestStore } from '../../bundles/index.ts';
import { findAssertion, type Queries } from '../../storage/index.ts';
import { ImportError } from './errors.ts';

/**
 * Refuses a sub-store whose parent is of another brand, as far as it is known here or by its store assertion, and one whose own assertion
 * does not name the parent: operators would see what devices do not go by.
 *
 * @param assertions those of the archive
 * @throws ImportError `store-of-other-brand`, `store-parent-unsigned`
 */
export async function checkParentOf(
  queries: Queries,
  { id, brandId, parent }: ManifestStore,
  assertions: readonly Assertion[],
): Promise<void> {
  if (parent === undefined) return;
  const hosted = await queries
    .selectFrom('Store')
    .select('brandId')
    .where('id', '=', parent)
    .executeTakeFirst();
  const stored = await findAssertion(queries, 'store', [parent]);
  const stores = assertions.filter(({ type }) => type === 'store');
  const above = stores.filter(({ primaryKey }) => primaryKey[0] === parent);
  if (stored !== undefined) above.push(decodeAssertion(stored.bytes));
  const brands = [hosted?.brandId, ...above.map((one) => text(one, 'operator-id'))];
  if (parent === GENERAL_STORE || brands.some((one) => one !== undefined && one !== brandId))
    throw new ImportError(
      'store-of-other-brand',
      `cannot accept the archive: its store ${id} would be a sub-store of ${parent}, which is not of the brand ${brandId}`,
    );
  const own = stores.filter(({ primaryKey }) => primaryKey[0] === id);
  const isSigned = ({ headers: { 'friendly-stores': friends = [] } }: Assertion) =>
    isList(friends) && friends.includes(parent);
  if (own.length > 0 && !own.some(isSigned))
    throw new ImportError(
      'store-parent-unsigned',
      `cannot accept the archive: it says that the store ${id} is a sub-store of ${parent}, and its store assertion does not; have the assertion signed where it was exported ("airlock authority create store ${id} …") and export again`,
    );
}
