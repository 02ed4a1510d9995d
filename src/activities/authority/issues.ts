import {
  decodeAssertion,
  DEFAULT_PROVENANCE,
  hexToSnapSha3,
  optionalText,
  SERIES,
  type HeaderValue,
} from '../../assertions/index.ts';
import { ancestorsOf } from '../../brands/index.ts';
import {
  accountDraft,
  checkAccount,
  nextDeclarationDraft,
  snapDeclarationDraft,
  snapRevisionDraft,
  storeDraft,
} from '../../publishers/index.ts';
import { scopeDeclaration, unscopeDeclaration } from '../../snaps/index.ts';
import { loadStoreLines, type Queries } from '../../storage/index.ts';
import type { IssueRequest } from '../../workflows/authority-contract.ts';
import { planAccountKey, planAuthorityKey, planRevocation } from './key-issues.ts';
import { compared, find, missing, plan, type PlannedIssue } from './planned-issue.ts';

/**
 * Reads the rows that a statement is made from. Nothing is written.
 *
 * @throws AirlockError `issue-subject-missing` when a row is not there
 */
export async function planIssue(queries: Queries, request: IssueRequest): Promise<PlannedIssue> {
  switch (request.kind) {
    case 'account':
      return planAccount(queries, request.accountId);
    case 'account-key':
      return planAccountKey(queries, decodeAssertion(request.request), request.bounds);
    case 'account-key-revocation':
      return planRevocation(queries, request.keyId);
    case 'authority-key':
      return planAuthorityKey(queries, request.name);
    case 'store':
      return planStore(queries, request.storeId, request.url ?? undefined);
    case 'snap-declaration':
      return planDeclaration(queries, request.snapId, request.grants ?? {});
    case 'scope':
      return planScope(queries, request);
    case 'snap-revision':
      return planRevision(queries, request.snapId, request.revision);
    default:
      return request satisfies never;
  }
}

async function planAccount(queries: Queries, accountId: string): Promise<PlannedIssue> {
  const row = await queries.selectFrom('Account').selectAll().where('id', '=', accountId).executeTakeFirst();
  if (!row) throw missing(`the account ${accountId}`);
  const account = checkAccount({ ...row, email: row.email ?? '' });
  return plan(queries, 'account', [accountId], (issue) => accountDraft(account, issue));
}

async function planStore(queries: Queries, storeId: string, url: string | undefined): Promise<PlannedIssue> {
  const row = await queries
    .selectFrom('Store')
    .select(['id', 'brandId'])
    .where('id', '=', storeId)
    .executeTakeFirst();
  if (!row?.brandId) throw missing(`the brand store ${storeId}`);
  const current = await find(queries, 'store', [storeId]);
  const store = {
    id: storeId,
    operatorId: row.brandId,
    url: url ?? (current && optionalText(current, 'url')),
    friendlyStores: ancestorsOf(await loadStoreLines(queries), storeId),
  };
  return compared('store', [storeId], current, (issue) => storeDraft(store, issue));
}

async function planDeclaration(
  queries: Queries,
  snapId: string,
  grants: { readonly plugs?: HeaderValue; readonly slots?: HeaderValue },
): Promise<PlannedIssue> {
  const snap = await queries
    .selectFrom('Snap')
    .select(['snapId', 'name', 'publisherId'])
    .where('snapId', '=', snapId)
    .executeTakeFirst();
  if (!snap) throw missing(`the snap ${snapId}`);
  const current = await find(queries, 'snap-declaration', [SERIES, snapId]);
  const given = Object.fromEntries(Object.entries(grants).filter(([, rules]) => rules !== undefined));
  // What is not given anew stays as it was declared.
  const { plugs, slots } = { ...current?.headers, ...given };
  const kept = { ...(plugs === undefined ? {} : { plugs }), ...(slots === undefined ? {} : { slots }) };
  return compared('snap-declaration', [SERIES, snapId], current, (issue) =>
    snapDeclarationDraft(snap, kept, issue),
  );
}

async function planScope(
  queries: Queries,
  request: Extract<IssueRequest, { kind: 'scope' }>,
): Promise<PlannedIssue> {
  const primaryKey = [SERIES, request.snapId];
  const current = await find(queries, 'snap-declaration', primaryKey);
  if (!current) throw missing(`the snap-declaration of ${request.snapId}`);
  const proposed = request.undo
    ? unscopeDeclaration(current.headers, request.stores)
    : scopeDeclaration(current.headers, request.stores);
  if (!proposed) return { type: 'snap-declaration', primaryKey, current, draft: undefined };
  return compared('snap-declaration', primaryKey, current, (issue) =>
    nextDeclarationDraft(current.headers, proposed, issue),
  );
}

async function planRevision(queries: Queries, snapId: string, revision: number): Promise<PlannedIssue> {
  const row = await queries
    .selectFrom('SnapRevision')
    .innerJoin('Snap', 'Snap.snapId', 'SnapRevision.snapId')
    .select(['SnapRevision.sha3_384', 'SnapRevision.size', 'SnapRevision.provenance', 'Snap.publisherId'])
    .where('SnapRevision.snapId', '=', snapId)
    .where('SnapRevision.revision', '=', revision)
    .executeTakeFirst();
  if (!row) throw missing(`revision ${revision} of the snap ${snapId}`);
  const provenance = row.provenance === DEFAULT_PROVENANCE ? undefined : row.provenance;
  const digest = hexToSnapSha3(row.sha3_384);
  const facts = {
    snapId,
    sha3_384: digest,
    size: Number(row.size),
    revision,
    developerId: row.publisherId,
    provenance,
  };
  const primaryKey = [digest, provenance ?? DEFAULT_PROVENANCE];
  return plan(queries, 'snap-revision', primaryKey, (issue) => snapRevisionDraft(facts, issue));
}
