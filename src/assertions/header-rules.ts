import { digestFromBase64Url } from './digests.ts';
import { AssertionError, quoted } from './errors.ts';
import { isList, isMap, ownValue, type HeaderMap, type HeaderValue } from './header-values.ts';
import { parseInstant, type Instant } from './instants.ts';
import type { Shape } from './name-patterns.ts';

/**
 * Values that are being checked, and the words that say where they stand: `header` for an assertion's own headers,
 * `of snap "x"` and the like for a map inside one. Each function below returns the value in its own type or throws
 * AssertionError `header-invalid`.
 */
export interface Scope {
  readonly values: HeaderMap;
  readonly where: string;
}

/** Refuses the header at hand, saying why. */
export function refuse(detail: string): never {
  throw new AssertionError('header-invalid', `cannot accept the assertion: ${detail}`);
}

export function isPresent(scope: Scope, name: string): boolean {
  return ownValue(scope.values, name) !== undefined;
}

/** A text that must be there and may be empty. */
export function presentText(scope: Scope, name: string): string {
  const value = ownValue(scope.values, name);
  if (value === undefined) refuse(`"${name}" ${scope.where} is missing`);
  return asText(value, scope, name);
}

/** A text that must be there and not be empty. */
export function fullText(scope: Scope, name: string): string {
  const value = presentText(scope, name);
  if (value === '') refuse(`"${name}" ${scope.where} is empty`);
  return value;
}

/** A text that may be absent; the empty text stands for absence too. */
export function optionalTextOf(scope: Scope, name: string): string | undefined {
  const value = ownValue(scope.values, name);
  if (value === undefined) return undefined;
  const found = asText(value, scope, name);
  return found === '' ? undefined : found;
}

/** A text of a given shape. */
export function matchingText(scope: Scope, name: string, shape: Shape): string {
  const value = fullText(scope, name);
  if (!shape.test(value))
    refuse(`"${name}" ${scope.where} has characters that are not allowed: ${quoted(value)}`);
  return value;
}

/** One of a few texts. */
export function oneOf(value: string, allowed: readonly string[], what: string): string {
  if (!allowed.includes(value)) refuse(`${what} must be one of ${allowed.join(', ')}, not ${quoted(value)}`);
  return value;
}

/** The value of a decimal number with an optional sign and no zeros in front; beyond 2^53 it is out of range. */
export function integerFrom(value: string, what: string): number {
  if (!/^[+-]?[0-9]+$/.test(value)) refuse(`${what} is not a whole number: ${quoted(value)}`);
  if (value.startsWith('0') && value !== '0') refuse(`${what} has zeros in front: ${quoted(value)}`);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) refuse(`${what} is out of range: ${quoted(value)}`);
  return number;
}

/** A whole number that must be there. */
function integer(scope: Scope, name: string): number {
  return integerFrom(fullText(scope, name), `"${name}" ${scope.where}`);
}

/** A whole number of at least one. */
export function positive(scope: Scope, name: string): number {
  const value = integer(scope, name);
  if (value < 1) refuse(`"${name}" ${scope.where} must be 1 or more, not ${value}`);
  return value;
}

export function optionalPositive(scope: Scope, name: string): number | undefined {
  return isPresent(scope, name) ? positive(scope, name) : undefined;
}

/** A whole number of at least zero, written with digits alone. */
export function unsigned(scope: Scope, name: string): bigint {
  const value = fullText(scope, name);
  const what = `"${name}" ${scope.where}`;
  if (!/^[0-9]+$/.test(value)) refuse(`${what} is not a whole number of zero or more: ${quoted(value)}`);
  if (value.startsWith('0') && value !== '0') refuse(`${what} has zeros in front: ${quoted(value)}`);
  if (value.length > 20 || BigInt(value) >= 2n ** 64n) refuse(`${what} is out of range: ${quoted(value)}`);
  return BigInt(value);
}

/** A number that is absent or zero or more, used for revision and format. */
export function iteration(scope: Scope, name: string): number {
  const value = ownValue(scope.values, name);
  if (value === undefined) return 0;
  const number = integerFrom(asText(value, scope, name), `"${name}" ${scope.where}`);
  if (number < 0) refuse(`"${name}" ${scope.where} must not be negative: ${number}`);
  return number;
}

/** A date and time (RFC 3339) that must be there. */
export function instant(scope: Scope, name: string): Instant {
  const value = fullText(scope, name);
  return parseInstant(value) ?? refuse(`"${name}" ${scope.where} is not an RFC 3339 date: ${quoted(value)}`);
}

export function optionalInstant(scope: Scope, name: string): Instant | undefined {
  return isPresent(scope, name) ? instant(scope, name) : undefined;
}

/** "true" or "false"; false when absent. */
export function flag(scope: Scope, name: string): boolean {
  const value = ownValue(scope.values, name);
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  return refuse(`"${name}" ${scope.where} must be "true" or "false"`);
}

/** A SHA3-384 digest as base64url without padding. */
export function sha3Digest(scope: Scope, name: string): string {
  const value = fullText(scope, name);
  if (digestFromBase64Url(value) === undefined) refuse(`"${name}" ${scope.where} is not a SHA3-384 digest`);
  return value;
}

/** A list of texts, all of one shape when a shape is given; empty when absent. */
export function texts(scope: Scope, name: string, shape?: Shape): readonly string[] {
  const value = ownValue(scope.values, name);
  if (value === undefined) return [];
  const what = `"${name}" ${scope.where}`;
  if (!isList(value)) return refuse(`${what} must be a list of texts`);
  return value.map((item) => {
    if (typeof item !== 'string') return refuse(`${what} must be a list of texts`);
    if (shape !== undefined && !shape.test(item))
      refuse(`${what} has an item that is not allowed: ${quoted(item)}`);
    return item;
  });
}

/** A map; undefined when absent. */
export function optionalMap(scope: Scope, name: string): HeaderMap | undefined {
  const value = ownValue(scope.values, name);
  if (value === undefined || isMap(value)) return value;
  return refuse(`"${name}" ${scope.where} must be a map`);
}

/** A list; undefined when absent. */
export function optionalList(scope: Scope, name: string): readonly HeaderValue[] | undefined {
  const value = ownValue(scope.values, name);
  if (value === undefined || isList(value)) return value;
  return refuse(`"${name}" ${scope.where} must be a list`);
}

/** A list of maps; undefined when absent. */
export function optionalMaps(scope: Scope, name: string): readonly HeaderMap[] | undefined {
  return optionalList(scope, name)?.map((item) =>
    isMap(item) ? item : refuse(`"${name}" ${scope.where} must be a list of maps`),
  );
}

/** Remembers names and refuses the second of its kind. */
export function onlyOnce(what: string): (name: string) => void {
  const seen = new Set<string>();
  return (name) => {
    if (seen.has(name)) refuse(`${what} ${quoted(name)} appears twice`);
    seen.add(name);
  };
}

function asText(value: HeaderValue, scope: Scope, name: string): string {
  return typeof value === 'string' ? value : refuse(`"${name}" ${scope.where} must be a text`);
}
