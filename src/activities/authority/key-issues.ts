import {
  formatTimestamp,
  keyBounds,
  optionalText,
  text,
  type Assertion,
  type KeyBounds,
} from '../../assertions/index.ts';
import { accountKeyDraft, narrowedBounds, type Issue } from '../../publishers/index.ts';
import type { Queries } from '../../storage/index.ts';
import { AUTHORITY_ACCOUNT_SETTING } from '../../storage/authority/index.ts';
import { find, missing, plan, type PlannedIssue } from './planned-issue.ts';

/** The account-key of a request, with its bounds or narrower ones. A key that is registered, or was revoked, stays as it is. */
export async function planAccountKey(
  queries: Queries,
  request: Assertion,
  narrower?: KeyBounds,
): Promise<PlannedIssue> {
  const keyId = text(request, 'public-key-sha3-384');
  const current = await find(queries, 'account-key', [keyId]);
  // A revoked key stays revoked: its request says nothing that could bring it back.
  if (current) return { type: 'account-key', primaryKey: [keyId], current, draft: undefined };
  const bounds = narrowedBounds(keyBounds(request), narrower);
  const key = {
    accountId: text(request, 'account-id'),
    name: text(request, 'name'),
    keyId,
    body: new TextDecoder().decode(request.body),
    since: text(request, 'since'),
    until: bounds.until,
    constraints: bounds.constraints,
  };
  return { type: 'account-key', primaryKey: [keyId], current, draft: (issue) => accountKeyDraft(key, issue) };
}

/** The account-key of one of the authority's own keys. */
export async function planAuthorityKey(queries: Queries, name: 'root' | 'store'): Promise<PlannedIssue> {
  const row = await queries
    .selectFrom('SigningKey')
    .innerJoin('Setting', (join) =>
      join
        .onRef('Setting.value', '=', 'SigningKey.brandId')
        .on('Setting.key', '=', AUTHORITY_ACCOUNT_SETTING),
    )
    .select(['SigningKey.keyId', 'SigningKey.publicKey', 'SigningKey.brandId', 'SigningKey.createdAt'])
    .where('SigningKey.name', '=', name)
    .executeTakeFirst();
  if (!row?.keyId || !row.publicKey) throw missing(`the authority's ${name} key`);
  const key = {
    accountId: row.brandId,
    name,
    keyId: row.keyId,
    body: row.publicKey,
    since: formatTimestamp(new Date(row.createdAt)),
    until: undefined,
    constraints: undefined,
  };
  return plan(queries, 'account-key', [row.keyId], (issue) => accountKeyDraft(key, issue));
}

/** A key that ends where it began. */
export async function planRevocation(queries: Queries, keyId: string): Promise<PlannedIssue> {
  const current = await find(queries, 'account-key', [keyId]);
  if (!current) throw missing(`the account key ${keyId}`);
  const since = text(current, 'since');
  const key = {
    accountId: text(current, 'account-id'),
    name: text(current, 'name'),
    keyId,
    body: new TextDecoder().decode(current.body),
    since,
    until: since,
    constraints: current.headers['constraints'],
  };
  const revoked = optionalText(current, 'until') === since;
  const draft = revoked ? undefined : (issue: Issue) => accountKeyDraft(key, issue);
  return { type: 'account-key', primaryKey: [keyId], current, draft };
}
