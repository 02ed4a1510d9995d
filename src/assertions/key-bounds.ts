import type { Assertion } from './assertion.ts';
import { isList, isMap, optionalText, ownValue, type HeaderMap, type HeaderValue } from './header-values.ts';
import { parseInstant } from './instants.ts';
import { constraintPatterns } from './types/accounts.ts';
import { compileValuePattern, headersFit } from './value-patterns.ts';

/** How far an account-key goes: until when, and for which assertions. What is absent is not bounded. */
export interface KeyBounds {
  /** RFC 3339. */
  readonly until?: string | undefined;
  /** Alternatives, each a map with the `headers` of the assertions that it lets pass; patterns as account-keys have them. */
  readonly constraints?: readonly HeaderMap[] | undefined;
}

/**
 * The bounds that an account-key has, or an account-key-request asks for.
 * @throws AssertionError `header-invalid` for constraints that no account-key can have
 */
export function keyBounds({ headers }: Pick<Assertion, 'headers'>): KeyBounds {
  const until = optionalText({ headers }, 'until');
  const constraints = ownValue(headers, 'constraints');
  if (constraints !== undefined) checkConstraints(constraints);
  return {
    ...(until !== undefined && { until }),
    ...(isList(constraints) && { constraints: constraints.filter(isMap) }),
  };
}

/** The bounds as headers of an account-key or an account-key-request. */
export function boundHeaders({ until, constraints }: KeyBounds): HeaderMap {
  return { ...(until !== undefined && { until }), ...(constraints !== undefined && { constraints }) };
}

/** Whether two bounds are the same in the same order of alternatives, in whatever order their headers come: a database may keep its own. */
export function isSameBounds(left: KeyBounds, right: KeyBounds): boolean {
  return isSameValue(boundHeaders(left), boundHeaders(right));
}

function isSameValue(left: HeaderValue | undefined, right: HeaderValue | undefined): boolean {
  if (isList(left)) {
    if (!isList(right) || left.length !== right.length) return false;
    return left.every((item, index) => isSameValue(item, right[index]));
  }
  if (isMap(left)) {
    if (!isMap(right) || Object.keys(left).length !== Object.keys(right).length) return false;
    return Object.entries(left).every(([name, value]) => isSameValue(value, ownValue(right, name)));
  }
  return left === right;
}

/**
 * Refuses constraints that no account-key can have.
 * @throws AssertionError `header-invalid`
 */
export function checkConstraints(constraints: HeaderValue): void {
  constraintPatterns({ values: { constraints }, where: 'header' });
}

/**
 * Whether a key with the bounds `inner` can do nothing that one with `outer` could not: it ends no later, and each of its
 * constraints has every header of one of the outer's, with the same pattern or one that is seen to be narrower: plain texts that fit it, or a
 * longer beginning. Other patterns are not compared, so a yes is certain and a no may be too careful.
 */
export function isWithinBounds(inner: KeyBounds, outer: KeyBounds): boolean {
  return endsInTime(inner.until, outer.until) && isConstrained(inner.constraints, outer.constraints);
}

function endsInTime(inner: string | undefined, outer: string | undefined): boolean {
  if (outer === undefined) return true;
  const [end, limit] = [parseInstant(inner ?? ''), parseInstant(outer)];
  return end !== undefined && limit !== undefined && end <= limit;
}

function isConstrained(inner: KeyBounds['constraints'], outer: KeyBounds['constraints']): boolean {
  if (outer === undefined) return true;
  // No alternatives are what no account-key can have, and not a narrower choice.
  if (inner === undefined || inner.length === 0) return false;
  return inner.every((one) => outer.some((other) => isNarrower(headersOf(one), headersOf(other))));
}

function headersOf(constraint: HeaderMap): HeaderMap {
  const headers = ownValue(constraint, 'headers');
  return isMap(headers) ? headers : {};
}

function isNarrower(inner: HeaderMap, outer: HeaderMap): boolean {
  return Object.entries(outer).every(([name, pattern]) => {
    const own = ownValue(inner, name);
    if (own === undefined) return false;
    return isSameValue(own, pattern) || isNarrowerPattern(own, pattern);
  });
}

/** Whether each text that fits the first pattern is seen to fit the second: every alternative of the one by itself in one of the other. */
function isNarrowerPattern(own: HeaderValue, pattern: HeaderValue): boolean {
  if (isList(own)) return own.every((one) => isNarrowerPattern(one, pattern));
  if (typeof own !== 'string') return false;
  if (isList(pattern)) return pattern.some((one) => isNarrowerPattern(own, one));
  if (typeof pattern !== 'string' || own.startsWith('$')) return false;
  if (own === pattern) return true;
  const fitting = patternOf(pattern);
  return branches(own).every((branch) =>
    isPlain(branch)
      ? headersFit(fitting, { value: branch })
      : branches(pattern).some((other) => isLongerBeginning(branch, other)),
  );
}

/** The alternatives of `a|b` or `(a|b)`; a pattern with other brackets is taken as one, for a bar may be inside of them. */
function branches(pattern: string): readonly string[] {
  const choice = /^\(([^()]*)\)$/.exec(pattern)?.[1] ?? pattern;
  return /[()[\]{}\\]/.test(choice) ? [pattern] : choice.split('|');
}

/** Whether both are a plain text followed by anything, and the first one's text begins with the second one's. */
function isLongerBeginning(own: string, other: string): boolean {
  const [beginning, shorter] = [beginningOf(own), beginningOf(other)];
  return beginning !== undefined && shorter !== undefined && beginning.startsWith(shorter);
}

function beginningOf(pattern: string): string | undefined {
  const beginning = pattern.endsWith('.*') ? pattern.slice(0, -2) : undefined;
  return beginning === '' || (beginning !== undefined && isPlain(beginning)) ? beginning : undefined;
}

function patternOf(pattern: string) {
  return compileValuePattern({ value: pattern }, { references: [], operations: [] });
}

/** A text that stands for itself as a pattern. */
function isPlain(text: string): boolean {
  return /^[A-Za-z0-9_:@/ -]+$/.test(text);
}
