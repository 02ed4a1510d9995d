import type { Assertion, AssertionTypeName } from '../assertions/index.ts';
import { assertionType, decodeAssertion, refWords } from '../assertions/index.ts';
import { AirlockError } from '../errors.ts';
import { REVISION_MAX } from '../snaps/index.ts';
import type { Queries } from './database.ts';

/** An assertion with what the store knows beside its bytes. */
export interface KeptAssertion {
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly primaryKey: string;
  readonly revision: number;
  readonly format: number;
  readonly sequence: number | null;
  readonly snapId: string | null;
  readonly accountId: string | null;
  readonly trusted: boolean;
}

const COLUMNS = [
  'bytes',
  'type',
  'primaryKey',
  'revision',
  'format',
  'sequence',
  'snapId',
  'accountId',
  'trusted',
] as const;

/** Finds the newest revision whose format is at most `maxFormat` (no limit when absent). */
export async function findAssertion(
  queries: Queries,
  type: AssertionTypeName,
  primaryKey: readonly string[],
  maxFormat?: number,
): Promise<KeptAssertion | undefined> {
  let query = queries
    .selectFrom('StoredAssertion')
    .select(COLUMNS)
    .where('type', '=', type)
    .where('primaryKey', '=', primaryKey.join('/'));
  if (maxFormat !== undefined) query = query.where('format', '<=', maxFormat);
  return query.orderBy('revision', 'desc').limit(1).executeTakeFirst();
}

/** Finds a member of a sequence: the one asked for, or the latest; of it the newest revision that fits `maxFormat`. */
export async function findInSequence(
  queries: Queries,
  type: AssertionTypeName,
  sequenceKey: readonly string[],
  sequence: number | 'latest',
  maxFormat?: number,
): Promise<KeptAssertion | undefined> {
  let query = queries
    .selectFrom('StoredAssertion')
    .select(COLUMNS)
    .where('type', '=', type)
    .where('sequenceKey', '=', sequenceKey.join('/'));
  if (sequence !== 'latest') query = query.where('sequence', '=', sequence);
  if (maxFormat !== undefined) query = query.where('format', '<=', maxFormat);
  return query.orderBy('sequence', 'desc').orderBy('revision', 'desc').limit(1).executeTakeFirst();
}

/** The assertions added by an explicit command as roots of trust. */
export async function trustedRoots(queries: Queries): Promise<Assertion[]> {
  const rows = await queries
    .selectFrom('StoredAssertion')
    .select('bytes')
    .where('trusted', '=', true)
    .execute();
  return rows.map((row) => decodeAssertion(row.bytes));
}

/** Where chains are looked up: everything that was verified when it came in. */
export function assertionSource(queries: Queries) {
  return {
    async find(type: AssertionTypeName, primaryKey: readonly string[]): Promise<Assertion | undefined> {
      const kept = await findAssertion(queries, type, primaryKey);
      return kept && decodeAssertion(kept.bytes);
    },
  };
}

/**
 * Keeps assertions that were verified. One that is there already (same type, key and revision) stays as it is.
 * @returns how many were new
 * @throws AirlockError `assertion-not-kept`
 */
export async function addAssertions(
  queries: Queries,
  assertions: readonly Assertion[],
  options: { readonly at: Date; readonly trusted?: boolean },
): Promise<number> {
  let added = 0;
  for (const assertion of assertions) {
    const result = await queries
      .insertInto('StoredAssertion')
      .values(rowOf(assertion, options))
      .onConflict((conflict) => conflict.columns(['type', 'primaryKey', 'revision']).doNothing())
      .executeTakeFirst();
    added += Number(result.numInsertedOrUpdatedRows ?? 0);
  }
  return added;
}

function rowOf(assertion: Assertion, options: { readonly at: Date; readonly trusted?: boolean }) {
  const type = assertionType(assertion.type);
  const sequenceKey = type.sequenceForming ? assertion.primaryKey.slice(0, -1) : [];
  const sequence = type.sequenceForming ? Number(assertion.primaryKey.at(-1)) : null;
  for (const number of [assertion.revision, sequence ?? 0])
    if (number > REVISION_MAX)
      throw new AirlockError(
        'invalid',
        'assertion-not-kept',
        `cannot keep ${refWords(assertion)}: its number ${number} is higher than ${REVISION_MAX}, the highest that is kept; have it signed again with a lower one`,
      );
  return {
    type: assertion.type,
    primaryKey: assertion.primaryKey.join('/'),
    sequenceKey: sequenceKey.join('/'),
    sequence,
    revision: assertion.revision,
    format: assertion.format,
    authorityId: assertion.authorityId ?? '',
    signKeyId: assertion.signKeyId,
    snapId: headerText(assertion, 'snap-id'),
    accountId: headerText(assertion, 'account-id') ?? headerText(assertion, 'brand-id'),
    trusted: options.trusted ?? false,
    bytes: Buffer.from(assertion.bytes),
    addedAt: options.at.toISOString(),
  };
}

function headerText(assertion: Assertion, header: string): string | null {
  const value = assertion.headers[header];
  return typeof value === 'string' ? value : null;
}
