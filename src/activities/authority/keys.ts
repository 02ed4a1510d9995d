import { publicKeyFromRsa } from '../../assertions/index.ts';
import { AirlockError } from '../../errors.ts';
import { parseHsmKeyId, type TokenFinder } from '../../hsm/index.ts';
import { authorityAccountId } from '../../storage/authority/index.ts';
import type { Database } from '../../storage/index.ts';
import { authorityKeyRow, type AuthorityKeyName } from './signer.ts';

/**
 * Makes one of the authority's keys on the HSM, under the CKA_ID that its row already names, and writes the public half
 * to the row. The HSM looks the id up first, so a repeat never makes a second key.
 */
export async function makeAuthorityKey(
  { database, tokens }: { readonly database: Database; readonly tokens: TokenFinder },
  name: AuthorityKeyName,
): Promise<{ readonly keyId: string }> {
  const { queries } = database;
  const authorityId = await authorityAccountId(queries);
  const row = await authorityKeyRow(queries, authorityId, name);
  if (!row) {
    throw new AirlockError(
      'not-found',
      'authority-key-missing',
      `cannot make the ${name} key: nobody asked for it`,
    );
  }
  const made = await tokens.of(row.token).generateKey(parseHsmKeyId(row.hsmKeyId), `${authorityId}/${name}`);
  const key = publicKeyFromRsa(made);
  await queries
    .updateTable('SigningKey')
    .set({ keyId: key.keyId, publicKey: key.encoded })
    .where('hsmKeyId', '=', row.hsmKeyId)
    .execute();
  return { keyId: key.keyId };
}
