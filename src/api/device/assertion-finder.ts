import {
  type Assertion,
  type AssertionTypeName,
  assertionType,
  completePrimaryKey,
  decodeAssertion,
  isAssertionTypeName,
} from '../../assertions/index.ts';
import { assertionAccess } from '../../brands/index.ts';
import { isSnapId, snapsOf } from '../../snaps/index.ts';
import { findAssertion, findInSequence, type KeptAssertion, type Queries } from '../../storage/index.ts';
import type { Visit } from './gate.ts';

/** Names one assertion, or the place of one in a sequence. */
export type AssertionQuestion =
  | { readonly type: string; readonly primaryKey: readonly string[]; readonly maxFormat: number | undefined }
  | {
      readonly type: string;
      readonly sequenceKey: readonly string[];
      readonly sequence: number | 'latest';
      readonly maxFormat: number | undefined;
    };

/** The parts of a primary key may come from an address: short, and none can hold the separator. */
const PART_MAX = 512;

/**
 * The one way from a question to an assertion: looks it up, newest revision that fits the format, and asks the rules
 * of src/brands whether the visitor may have it. Undefined for absent and for hidden alike.
 */
export async function findVisible(
  queries: Queries,
  visit: Visit,
  question: AssertionQuestion,
): Promise<KeptAssertion | undefined> {
  const { type, maxFormat } = question;
  if (!isAssertionTypeName(type)) return undefined;
  const kept =
    'sequenceKey' in question
      ? await inSequence(queries, type, question.sequenceKey, question.sequence, maxFormat)
      : await byKey(queries, type, question.primaryKey, maxFormat);
  return kept !== undefined && (await maySee(queries, visit, type, kept)) ? kept : undefined;
}

async function byKey(
  queries: Queries,
  type: AssertionTypeName,
  given: readonly string[],
  maxFormat: number | undefined,
) {
  const key = completePrimaryKey(type, given);
  return key === undefined || !key.every(isPart) ? undefined : findAssertion(queries, type, key, maxFormat);
}

async function inSequence(
  queries: Queries,
  type: AssertionTypeName,
  key: readonly string[],
  sequence: number | 'latest',
  maxFormat: number | undefined,
) {
  const { sequenceForming, primaryKey } = assertionType(type);
  if (!sequenceForming || key.length !== primaryKey.length - 1 || !key.every(isPart)) return undefined;
  return findInSequence(queries, type, key, sequence, maxFormat);
}

function isPart(part: string): boolean {
  return part.length > 0 && part.length <= PART_MAX && !part.includes('/');
}

async function maySee(
  queries: Queries,
  visit: Visit,
  type: AssertionTypeName,
  kept: KeptAssertion,
): Promise<boolean> {
  const { catalog, viewer, site } = visit;
  const primaryKey = kept.primaryKey.split('/');
  const ownStore = site.storeId !== undefined && primaryKey[0] === site.storeId;
  const access = assertionAccess(viewer, { type, primaryKey, ownStore }, catalog.stores);
  if (access !== 'snap') return access === 'yes';
  const ids = await snapsSpokenOf(queries, type, kept);
  if (ids.length === 0) return false;
  for (const id of ids) if ((await catalog.visibleSnap(viewer, id)) === undefined) return false;
  return true;
}

async function snapsSpokenOf(
  queries: Queries,
  type: AssertionTypeName,
  kept: KeptAssertion,
): Promise<string[]> {
  if (type === 'validation-set') return snapsOf(decodeAssertion(kept.bytes).headers);
  if (type === 'validation') {
    // Gating and gated snap: both are named in the key.
    return kept.primaryKey.split('/').filter(isSnapId);
  }
  return kept.snapId === null ? [] : [kept.snapId];
}

/** The assertions that a kept one was signed and introduced with, for a stream that stands on its own. */
export function decoded(kept: KeptAssertion): Assertion {
  return decodeAssertion(kept.bytes);
}
