import type { Queries } from './database.ts';

/** Forgets nonces whose time was over before `before`; those cannot be used again anyway. Gives how many. */
export async function purgeSpentNonces(queries: Queries, before: Date): Promise<number> {
  const result = await queries
    .deleteFrom('SpentNonce')
    .where('expiresAt', '<', before.toISOString())
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Uploads that came in before `before` and that nobody claimed. */
export async function unclaimedUploads(queries: Queries, before: Date): Promise<string[]> {
  const rows = await queries
    .selectFrom('Upload')
    .select('id')
    .where('state', '=', 'received')
    .where('createdAt', '<', before.toISOString())
    .limit(1000)
    .execute();
  return rows.map(({ id }) => id);
}

/** Forgets an upload, unless somebody claimed it meanwhile; false then. */
export async function forgetUpload(queries: Queries, id: string): Promise<boolean> {
  const result = await queries
    .deleteFrom('Upload')
    .where('id', '=', id)
    .where('state', '=', 'received')
    .executeTakeFirst();
  return Number(result.numDeletedRows) === 1;
}
