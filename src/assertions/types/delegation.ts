import { refWords, type Assertion } from '../assertion.ts';
import { AssertionError } from '../errors.ts';
import { text } from '../header-values.ts';
import { DEFAULT_PROVENANCE } from '../name-patterns.ts';
import type { KnownAssertions } from '../type-rules.ts';
import { revisionAuthorities } from './declarations.ts';
import { numberOf, requireDeclaration } from './shared.ts';

/**
 * A revision of the ordinary provenance is signed by a root of trust; one of another provenance by an account to which the
 * snap's declaration delegates that provenance, within the numbers that it gives.
 */
export async function requireDelegation(
  assertion: Assertion,
  known: KnownAssertions,
  numberHeader: string,
): Promise<void> {
  const provenance = text(assertion, 'provenance');
  const authority = assertion.authorityId ?? '';
  if (provenance === DEFAULT_PROVENANCE && !(await known.isRoot(authority))) {
    throw untrusted(assertion, `${authority} is not a trusted root authority`);
  }
  const declaration = await requireDeclaration(assertion, text(assertion, 'snap-id'), known);
  if (provenance === DEFAULT_PROVENANCE) return;
  const number = numberOf(assertion, numberHeader);
  const allowed = revisionAuthorities({ values: declaration.headers, where: 'header' }).some(
    (entry) =>
      entry.accountId === authority &&
      entry.provenance.includes(provenance) &&
      number >= entry.minRevision &&
      (entry.maxRevision === undefined || number <= entry.maxRevision),
  );
  if (!allowed)
    throw untrusted(assertion, `the snap's declaration does not let ${authority} sign ${provenance}`);
}

function untrusted(assertion: Assertion, detail: string): AssertionError {
  return new AssertionError('not-trusted', `cannot trust ${refWords(assertion)}: ${detail}`);
}
