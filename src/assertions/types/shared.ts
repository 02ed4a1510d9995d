import { refWords, type Assertion } from '../assertion.ts';
import { AssertionError, quoted } from '../errors.ts';
import { isPresent, matchingText, optionalTextOf, refuse, type Scope } from '../header-rules.ts';
import { optionalText, ownValue } from '../header-values.ts';
import { MODEL_NAME, SERIES } from '../name-patterns.ts';
import type { Draft, KnownAssertions } from '../type-rules.ts';

/** A model name: letters, digits and single inner dashes, all in lower case. */
export function modelName(scope: Scope): string {
  const name = matchingText(scope, 'model', MODEL_NAME);
  if (name.toLowerCase() !== name) refuse(`"model" ${scope.where} must be in lower case: ${quoted(name)}`);
  return name;
}

/** Refuses an assertion whose named account header differs from its authority. */
export function requireAuthorityIs(draft: Draft, header: string): void {
  const authority = ownValue(draft.values, 'authority-id');
  if (ownValue(draft.values, header) !== authority) {
    refuse(`"${header}" header must equal "authority-id": it is signed by that account alone`);
  }
}

/** One of a few texts when present and not empty. */
export function optionalOneOf(scope: Scope, name: string, allowed: readonly string[]): string | undefined {
  if (!isPresent(scope, name)) return undefined;
  const value = optionalTextOf(scope, name);
  if (value !== undefined && !allowed.includes(value)) {
    refuse(`"${name}" ${scope.where} must be one of ${allowed.join(', ')}, not ${quoted(value)}`);
  }
  return value;
}

/** Refuses what is not signed by a root of trust itself. */
export async function requireRootAuthority(assertion: Assertion, known: KnownAssertions): Promise<void> {
  if (assertion.authorityId !== undefined && (await known.isRoot(assertion.authorityId))) return;
  throw new AssertionError(
    'not-trusted',
    `cannot trust ${refWords(assertion)}: ${quoted(assertion.authorityId ?? '')} is not a trusted root authority`,
  );
}

/** Refuses an assertion that speaks of an account which is not known. */
export async function requireAccount(
  assertion: Assertion,
  accountId: string,
  known: KnownAssertions,
): Promise<void> {
  if ((await known.find('account', [accountId])) === undefined) {
    throw missing(assertion, `account ${accountId}`);
  }
}

/** The snap-declaration of a snap id, which must be known. */
export async function requireDeclaration(
  assertion: Assertion,
  snapId: string,
  known: KnownAssertions,
): Promise<Assertion> {
  const declaration = await known.find('snap-declaration', [SERIES, snapId]);
  if (declaration === undefined) throw missing(assertion, `snap-declaration ${SERIES}/${snapId}`);
  return declaration;
}

/** The header of an assertion as a number, for headers whose rule makes them one. */
export function numberOf(assertion: Assertion, header: string): number {
  return Number(optionalText(assertion, header));
}

export function missing(assertion: Assertion, what: string): AssertionError {
  return new AssertionError(
    'prerequisite-missing',
    `cannot trust ${refWords(assertion)}: ${what} is not known; add it first`,
  );
}

export function inconsistent(assertion: Assertion, detail: string): AssertionError {
  return new AssertionError('assertion-inconsistent', `cannot trust ${refWords(assertion)}: ${detail}`);
}
