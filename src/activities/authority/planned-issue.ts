import {
  decodeAssertion,
  isList,
  type Assertion,
  type AssertionDraft,
  type AssertionTypeName,
  type HeaderValue,
} from '../../assertions/index.ts';
import { AirlockError } from '../../errors.ts';
import type { Issue } from '../../publishers/index.ts';
import { findAssertion, type Queries } from '../../storage/index.ts';

/** A statement that is ready to be signed, and the newest that it replaces. */
export interface PlannedIssue {
  readonly type: AssertionTypeName;
  readonly primaryKey: readonly string[];
  readonly current: Assertion | undefined;
  /** Makes the draft of a given revision; undefined when the current one says it all. */
  readonly draft: ((issue: Issue) => AssertionDraft) | undefined;
}

/** Plans a statement against the newest of its kind. */
export async function plan(
  queries: Queries,
  type: AssertionTypeName,
  primaryKey: readonly string[],
  draft: (issue: Issue) => AssertionDraft,
): Promise<PlannedIssue> {
  return compared(type, primaryKey, await find(queries, type, primaryKey), draft);
}

/** Drops the draft when the current assertion says the same: only revision, time and signature would differ. */
export function compared(
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

/** The newest revision of an assertion that the authority issued, if any. */
export async function find(
  queries: Queries,
  type: AssertionTypeName,
  primaryKey: readonly string[],
): Promise<Assertion | undefined> {
  const kept = await findAssertion(queries, type, primaryKey);
  return kept && decodeAssertion(kept.bytes);
}

/** The error for rows that are not there; `what` completes the sentence. */
export function missing(what: string): AirlockError {
  return new AirlockError('not-found', 'issue-subject-missing', `cannot sign for ${what}: it is not there`);
}
