import {
  decodeAssertion,
  DEFAULT_PROVENANCE,
  formatTimestamp,
  hexToSnapSha3,
  isList,
  optionalText,
  SERIES,
  text,
  type Assertion,
  type AssertionDraft,
  type AssertionTypeName,
  type HeaderValue,
} from '../assertions/index.ts';
import { AirlockError } from '../errors.ts';
import {
  accountDraft,
  accountKeyDraft,
  checkAccount,
  nextDeclarationDraft,
  snapDeclarationDraft,
  snapRevisionDraft,
  storeDraft,
  type Issue,
} from '../publishers/index.ts';
import { scopeDeclaration, unscopeDeclaration } from '../snaps/index.ts';
import { findAssertion, type Queries } from '../storage/index.ts';
import type { IssueRequest } from '../workflows/authority-contract.ts';

/** A statement that is ready to be signed, and the newest that it replaces. */
export interface PlannedIssue {
  readonly type: AssertionTypeName;
  readonly primaryKey: readonly string[];
  readonly current: Assertion | undefined;
  /** Makes the draft of a given revision; undefined when the current one says it all. */
  readonly draft: ((issue: Issue) => AssertionDraft) | undefined;
}

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
      return planAccountKey(queries, decodeAssertion(request.request));
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

async function planAccountKey(queries: Queries, request: Assertion): Promise<PlannedIssue> {
  const keyId = text(request, 'public-key-sha3-384');
  const current = await find(queries, 'account-key', [keyId]);
  // A revoked key stays revoked: its request says nothing that could bring it back.
  if (current) return { type: 'account-key', primaryKey: [keyId], current, draft: undefined };
  const key = {
    accountId: text(request, 'account-id'),
    name: text(request, 'name'),
    keyId,
    body: new TextDecoder().decode(request.body),
    since: text(request, 'since'),
    until: optionalText(request, 'until'),
    constraints: request.headers['constraints'],
  };
  return { type: 'account-key', primaryKey: [keyId], current, draft: (issue) => accountKeyDraft(key, issue) };
}

async function planAuthorityKey(queries: Queries, name: 'root' | 'store'): Promise<PlannedIssue> {
  const row = await queries
    .selectFrom('SigningKey')
    .innerJoin('Setting', (join) =>
      join.onRef('Setting.value', '=', 'SigningKey.brandId').on('Setting.key', '=', 'authority.account-id'),
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

async function planRevocation(queries: Queries, keyId: string): Promise<PlannedIssue> {
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

async function planStore(queries: Queries, storeId: string, url: string | undefined): Promise<PlannedIssue> {
  const row = await queries
    .selectFrom('Store')
    .select(['id', 'brandId'])
    .where('id', '=', storeId)
    .executeTakeFirst();
  if (!row?.brandId) throw missing(`the brand store ${storeId}`);
  const store = { id: storeId, operatorId: row.brandId, url };
  return plan(queries, 'store', [storeId], (issue) => storeDraft(store, issue));
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

async function plan(
  queries: Queries,
  type: AssertionTypeName,
  primaryKey: readonly string[],
  draft: (issue: Issue) => AssertionDraft,
): Promise<PlannedIssue> {
  return compared(type, primaryKey, await find(queries, type, primaryKey), draft);
}

/** Drops the draft when the current assertion says the same: only revision, time and signature would differ. */
function compared(
  type: AssertionTypeName,
  primaryKey: readonly string[],
  current: Assertion | undefined,
  draft: (issue: Issue) => AssertionDraft,
): PlannedIssue {
  if (!current) return { type, primaryKey, current, draft };
  const { headers } = draft({
    authorityId: current.authorityId ?? '',
    revision: current.revision,
    at: new Date(0),
  });
  const same = says(headers) === says(current.headers);
  return { type, primaryKey, current, draft: same ? undefined : draft };
}

const NOT_COMPARED = new Set([
  'type',
  'format',
  'revision',
  'timestamp',
  'sign-key-sha3-384',
  'body-length',
  'provenance',
]);

function says(headers: { readonly [name: string]: HeaderValue }): string {
  const entries = Object.entries(headers).filter(([name]) => !NOT_COMPARED.has(name));
  return JSON.stringify(sorted(Object.fromEntries(entries)));
}

function sorted(value: HeaderValue): unknown {
  if (typeof value === 'string') return value;
  if (isList(value)) return value.map(sorted);
  return Object.entries(value)
    .map(([name, inner]) => [name, sorted(inner)])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

async function find(
  queries: Queries,
  type: AssertionTypeName,
  primaryKey: readonly string[],
): Promise<Assertion | undefined> {
  const kept = await findAssertion(queries, type, primaryKey);
  return kept && decodeAssertion(kept.bytes);
}

function missing(what: string): AirlockError {
  return new AirlockError('not-found', 'issue-subject-missing', `cannot sign for ${what}: it is not there`);
}
