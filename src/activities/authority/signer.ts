import { publicKeyFromRsa, type Signer } from '../../assertions/index.ts';
import { AirlockError } from '../../errors.ts';
import { parseHsmKeyId, type TokenFinder } from '../../hsm/index.ts';
import { authorityAccountId } from '../../storage/authority/index.ts';
import type { Queries } from '../../storage/index.ts';

/** The authority's two keys: `root` vouches for `store` alone, `store` signs everything else. */
export type AuthorityKeyName = 'root' | 'store';

/**
 * A signer that asks the HSM for each signature with one of the authority's keys.
 *
 * @throws AirlockError `authority-key-missing` before the key was made
 */
export async function authoritySigner(
  queries: Queries,
  tokens: TokenFinder,
  name: AuthorityKeyName,
): Promise<Signer> {
  const row = await authorityKeyRow(queries, await authorityAccountId(queries), name);
  const id = row && parseHsmKeyId(row.hsmKeyId);
  const hsm = row && tokens.of(row.token);
  const key = id && (await hsm?.findKey(id));
  if (!id || !hsm || !key) {
    const sentence = `cannot sign: the authority's ${name} key is not on the HSM; run "airlock authority init" again`;
    throw new AirlockError('unavailable', 'authority-key-missing', sentence);
  }
  return { publicKey: publicKeyFromRsa(key), signDigest: (sha512) => hsm.sign(id, sha512) };
}

/** Where the HSM has one of the authority's keys, once somebody asked for it. */
export function authorityKeyRow(queries: Queries, authorityId: string, name: AuthorityKeyName) {
  return queries
    .selectFrom('SigningKey')
    .select(['hsmKeyId', 'token'])
    .where('brandId', '=', authorityId)
    .where('name', '=', name)
    .executeTakeFirst();
}
