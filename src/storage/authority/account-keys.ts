import { decodeAssertion, optionalText, text, type Assertion } from '../../assertions/index.ts';
import type { RegisteredKey } from '../../publishers/index.ts';
import { findAssertion } from '../assertion-store.ts';
import type { Queries } from '../database.ts';

/** A registered account key and the assertion that says so. */
export interface AccountKey extends RegisteredKey {
  readonly since: string;
  readonly assertion: Assertion;
}

/** The keys of an account in their newest revisions, revoked ones too, oldest first. */
export async function accountKeysOf(queries: Queries, accountId: string): Promise<AccountKey[]> {
  const rows = await queries
    .selectFrom('StoredAssertion')
    .select(['primaryKey', 'bytes', 'revision'])
    .where('type', '=', 'account-key')
    .where('accountId', '=', accountId)
    .orderBy('id')
    .execute();
  const newest = new Map<string, (typeof rows)[number]>();
  for (const row of rows) {
    const known = newest.get(row.primaryKey);
    if (!known || known.revision < row.revision) newest.set(row.primaryKey, row);
  }
  return [...newest.values()].map((row) => describe(decodeAssertion(row.bytes)));
}

/** One key by its id, whoever's it is. */
export async function findAccountKey(queries: Queries, keyId: string): Promise<AccountKey | undefined> {
  const kept = await findAssertion(queries, 'account-key', [keyId]);
  return kept && describe(decodeAssertion(kept.bytes));
}

function describe(assertion: Assertion): AccountKey {
  const since = text(assertion, 'since');
  const until = optionalText(assertion, 'until');
  return {
    accountId: text(assertion, 'account-id'),
    name: optionalText(assertion, 'name') ?? '',
    keyId: text(assertion, 'public-key-sha3-384'),
    since,
    until: until === undefined ? undefined : new Date(until),
    revoked: until === since,
    assertion,
  };
}
