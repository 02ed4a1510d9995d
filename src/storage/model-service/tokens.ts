import type { Queries } from '../database.ts';

/** A token of the publisher gateway, or an admin token that an import brought. */
export interface TokenRecord {
  readonly sessionId: string;
  readonly kind: string;
  readonly accountId: string;
  readonly digest: string | null;
  readonly storeId: string | null;
  readonly brandId: string | null;
  readonly description: string;
  readonly caveats: string[];
  readonly issuedAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly revokedBy: string | null;
  readonly lastUsedAt: string | null;
}

const COLUMNS = [
  'sessionId',
  'kind',
  'accountId',
  'digest',
  'storeId',
  'brandId',
  'description',
  'caveats',
  'issuedAt',
  'expiresAt',
  'revokedAt',
  'revokedBy',
  'lastUsedAt',
] as const;

/** A token by its `session-id`, revoked or not. */
export async function findToken(queries: Queries, sessionId: string): Promise<TokenRecord | undefined> {
  return queries.selectFrom('Token').select(COLUMNS).where('sessionId', '=', sessionId).executeTakeFirst();
}

/** A token that is known by the SHA3-384 (hex) of its text. */
export async function findTokenByDigest(queries: Queries, digest: string): Promise<TokenRecord | undefined> {
  return queries.selectFrom('Token').select(COLUMNS).where('digest', '=', digest).executeTakeFirst();
}

/** Revokes a token; effective at its next use. @returns false when there is none, or it was revoked before */
export async function revokeToken(
  queries: Queries,
  sessionId: string,
  by: { readonly actor: string; readonly at: Date },
): Promise<boolean> {
  const result = await queries
    .updateTable('Token')
    .set({ revokedAt: by.at.toISOString(), revokedBy: by.actor })
    .where('sessionId', '=', sessionId)
    .where('revokedAt', 'is', null)
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}

/** Notes when a token was used. */
export async function noteTokenUse(queries: Queries, sessionId: string, at: Date): Promise<void> {
  await queries
    .updateTable('Token')
    .set({ lastUsedAt: at.toISOString() })
    .where('sessionId', '=', sessionId)
    .execute();
}

/** The stores of a brand. */
export async function storesOfBrand(queries: Queries, brandId: string): Promise<string[]> {
  const rows = await queries.selectFrom('Store').select('id').where('brandId', '=', brandId).execute();
  return rows.map(({ id }) => id);
}

/** A person behind a token. */
export interface AccountRecord {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly validation: string;
  readonly email: string | null;
  readonly createdAt: string;
}

/** An account by its id. */
export async function findAccount(queries: Queries, id: string): Promise<AccountRecord | undefined> {
  return queries
    .selectFrom('Account')
    .select(['id', 'username', 'displayName', 'validation', 'email', 'createdAt'])
    .where('id', '=', id)
    .executeTakeFirst();
}
