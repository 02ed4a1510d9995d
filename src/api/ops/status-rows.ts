/** What `status` tells of the database's rows. */
import type { z } from 'zod';
import { decodeAssertion, optionalText, text } from '../../assertions/index.ts';
import { GENERAL_STORE } from '../../brands/index.ts';
import { describeStores, type Queries } from '../../storage/index.ts';
import type { status } from './host-contract.ts';

type Status = z.input<typeof status>;

/** Stores but the general one, with how many snaps each has. */
export async function storesHere(queries: Queries): Promise<Status['stores']> {
  const stores = (await describeStores(queries)).filter(({ id }) => id !== GENERAL_STORE);
  const counts = await queries
    .selectFrom('Snap')
    .select(['storeId', (eb) => eb.fn.countAll().as('snaps')])
    .groupBy('storeId')
    .execute();
  const bySnaps = new Map(counts.map(({ storeId, snaps }) => [storeId, Number(snaps)]));
  return stores.map((store) => ({
    ...store,
    includes: [...store.includes],
    snaps: bySnaps.get(store.id) ?? 0,
  }));
}

/** Account-keys of the brands here, in their newest revisions. */
export async function accountKeysHere(queries: Queries): Promise<Status['accountKeys']> {
  const brands = await queries
    .selectFrom('Store')
    .select('brandId')
    .distinct()
    .where('brandId', 'is not', null)
    .execute();
  const ids = brands.flatMap(({ brandId }) => (brandId === null ? [] : [brandId]));
  if (ids.length === 0) return [];
  const rows = await queries
    .selectFrom('StoredAssertion')
    .select(['primaryKey', 'bytes'])
    .where('type', '=', 'account-key')
    .where('accountId', 'in', ids)
    .orderBy('revision')
    .execute();
  const newest = new Map(rows.map(({ primaryKey, bytes }) => [primaryKey, bytes]));
  return [...newest].map(([keyId, bytes]) => {
    const key = decodeAssertion(bytes);
    return {
      keyId,
      accountId: text(key, 'account-id'),
      name: optionalText(key, 'name') ?? '',
      since: text(key, 'since'),
      until: optionalText(key, 'until') ?? null,
    };
  });
}

/** The newest import; removals are none. */
export async function newestImport(queries: Queries): Promise<Status['lastImport']> {
  const row = await queries
    .selectFrom('ImportRecord')
    .select(['importedAt', 'fileName', 'outcome'])
    .where('kind', 'not in', ['removal', 'prune'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : { at: row.importedAt, fileName: row.fileName, outcome: row.outcome };
}

/** How many devices registered here. */
export async function devicesHere(queries: Queries): Promise<number> {
  const row = await queries
    .selectFrom('Device')
    .select((eb) => eb.fn.countAll().as('rows'))
    .executeTakeFirst();
  return Number(row?.rows ?? 0);
}

/** Bytes of all revisions of snaps. */
export async function bytesHere(queries: Queries): Promise<number> {
  const row = await queries
    .selectFrom('SnapRevision')
    .select((eb) => eb.fn.sum('size').as('bytes'))
    .executeTakeFirst();
  return Number(row?.bytes ?? 0);
}
