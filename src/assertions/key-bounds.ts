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
 * constraints has every header of one of the outer's, with the same pattern or a plain text that fits it. Patterns are not compared
 * further, so a yes is certain and a no may be too careful.
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
    if (isSameValue(own, pattern)) return true;
    return isPlain(own) && headersFit(patternOf(name, pattern), { [name]: own });
  });
}

function patternOf(name: string, pattern: HeaderValue) {
  return compileValuePattern({ [name]: pattern }, { references: [], operations: [] });
}

/** A text that stands for itself as a pattern. */
function isPlain(value: HeaderValue): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_:@/ -]+$/.test(value);
}
