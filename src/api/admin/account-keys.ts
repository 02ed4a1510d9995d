import { findAssertion, type Queries } from '../../storage/index.ts';

/** The account-key-request of a key, as text, if one was made. */
export async function accountKeyRequestOf(queries: Queries, keyId: string): Promise<string | undefined> {
  const kept = await findAssertion(queries, 'account-key-request', [keyId]);
  return kept && Buffer.from(kept.bytes).toString('utf8');
}
