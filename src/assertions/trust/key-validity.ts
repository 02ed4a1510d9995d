import { refWords, type Assertion } from '../assertion.ts';
import { AssertionError } from '../errors.ts';
import { optionalText, text, type Headers } from '../header-values.ts';
import { instantOf, parseInstant, type Instant } from '../instants.ts';
import { decodePublicKey, type PublicKey } from '../public-key.ts';
import { constraintPatterns } from '../types/accounts.ts';
import { headersFit, type ValuePattern } from '../value-patterns.ts';

/** How an account-key stands at a point in time. A key that ends where it starts is revoked: it never was valid. */
export type KeyStanding = 'valid' | 'not-yet-valid' | 'expired' | 'revoked';

/** The public key that an account-key or an account-key-request carries. */
export function publicKeyOf(accountKey: Assertion): PublicKey {
  return decodePublicKey(accountKey.body);
}

/** How an account-key stands at an instant: valid from "since" up to but without "until". */
function keyStandingAt(accountKey: Pick<Assertion, 'headers'>, at: Instant): KeyStanding {
  const since = headerInstant(accountKey, 'since') ?? 0n;
  const until = headerInstant(accountKey, 'until');
  if (until === since) return 'revoked';
  if (at < since) return 'not-yet-valid';
  return until !== undefined && at >= until ? 'expired' : 'valid';
}

/** How an account-key stands at a Date. */
export function keyStanding(accountKey: Pick<Assertion, 'headers'>, at: Date): KeyStanding {
  return keyStandingAt(accountKey, instantOf(at));
}

/**
 * Refuses a key that is not in force at an instant; without an instant, one that is revoked.
 * @throws AssertionError `key-revoked`, `key-expired`, `key-not-yet-valid`
 */
export function requireKeyInForce(accountKey: Assertion, at: Instant | undefined): void {
  const standing = keyStandingAt(accountKey, at ?? headerInstant(accountKey, 'since') ?? 0n);
  switch (standing) {
    case 'valid':
      return;
    case 'revoked':
      throw new AssertionError('key-revoked', `cannot use ${keyWords(accountKey)}: it is revoked`);
    case 'expired':
      throw new AssertionError(
        'key-expired',
        `cannot use ${keyWords(accountKey)}: it expired at ${optionalText(accountKey, 'until')}`,
      );
    case 'not-yet-valid':
      throw new AssertionError(
        'key-not-yet-valid',
        `cannot use ${keyWords(accountKey)}: it is valid from ${text(accountKey, 'since')} on; check the clock`,
      );
  }
}

/** Whether the constraints of an account-key let it sign an assertion with these headers ("type" among them). */
export function constraintsAllow(accountKey: Pick<Assertion, 'headers'>, headers: Headers): boolean {
  const patterns = constraintPatterns({ values: accountKey.headers, where: 'header' });
  return patterns.length === 0 || patterns.some((pattern) => headersFit(pattern, headers));
}

/**
 * Whether the constraints of an account-key could let it sign an assertion of which only some headers are known yet;
 * headers that are not known are left out of the comparison.
 */
export function constraintsMayAllow(accountKey: Pick<Assertion, 'headers'>, known: Headers): boolean {
  const patterns = constraintPatterns({ values: accountKey.headers, where: 'header' });
  return patterns.length === 0 || patterns.some((pattern) => headersFit(knownPart(pattern, known), known));
}

function knownPart(pattern: ValuePattern, known: Headers): ValuePattern {
  if (pattern.kind !== 'map') return pattern;
  return {
    kind: 'map',
    entries: new Map([...pattern.entries].filter(([name]) => Object.hasOwn(known, name))),
  };
}

/**
 * Refuses an assertion that the constraints of its signing key do not allow.
 * @throws AssertionError `key-constrained`
 */
export function requireWithinConstraints(assertion: Assertion, accountKey: Assertion): void {
  if (constraintsAllow(accountKey, assertion.headers)) return;
  throw new AssertionError(
    'key-constrained',
    `cannot trust ${refWords(assertion)}: ${keyWords(accountKey)} may not sign such assertions`,
  );
}

/**
 * Refuses an assertion whose timestamp lies outside the validity of its signing key.
 * @throws AssertionError `timestamp-outside-key`
 */
export function requireTimestampWithinKey(assertion: Assertion, accountKey: Assertion): void {
  const timestamp = headerInstant(assertion, 'timestamp');
  if (timestamp === undefined || keyStandingAt(accountKey, timestamp) === 'valid') return;
  throw new AssertionError(
    'timestamp-outside-key',
    `cannot trust ${refWords(assertion)}: its timestamp ${text(assertion, 'timestamp')} lies outside the validity of ${keyWords(accountKey)}`,
  );
}

function headerInstant(assertion: Pick<Assertion, 'headers'>, header: string): Instant | undefined {
  const value = optionalText(assertion, header);
  return value === undefined ? undefined : parseInstant(value);
}

function keyWords(accountKey: Assertion): string {
  return `the key ${accountKey.primaryKey.join('/')} of account ${text(accountKey, 'account-id')}`;
}
