import { AssertionError, quoted } from '../errors.ts';
import {
  fullText,
  instant,
  isPresent,
  matchingText,
  optionalInstant,
  optionalList,
  optionalMap,
  optionalTextOf,
  refuse,
  type Scope,
} from '../header-rules.ts';
import { isMap, ownValue, text, type HeaderMap } from '../header-values.ts';
import { ACCOUNT_KEY_NAME } from '../name-patterns.ts';
import { compileValuePattern, type ValuePattern } from '../value-patterns.ts';
import { decodePublicKey } from '../public-key.ts';
import { defineType, type Draft, type KnownAssertions } from '../type-rules.ts';
import { requireAccount, requireRootAuthority } from './shared.ts';

export const account = defineType({
  name: 'account',
  primaryKey: ['account-id'],
  timestamped: true,
  check(draft) {
    fullText(draft, 'display-name');
    fullText(draft, 'validation');
    instant(draft, 'timestamp');
    optionalTextOf(draft, 'username');
  },
  async checkAgainst(assertion, known) {
    await requireRootAuthority(assertion, known);
  },
});

export const accountKey = defineType({
  name: 'account-key',
  primaryKey: ['public-key-sha3-384'],
  maxFormat: 1,
  check(draft) {
    fullText(draft, 'account-id');
    if (isPresent(draft, 'name')) matchingText(draft, 'name', ACCOUNT_KEY_NAME);
    checkSinceUntil(draft);
    checkPublicKey(draft);
    constraintPatterns(draft);
  },
  neededFormat: (headers) => (ownValue(headers, 'constraints') === undefined ? 0 : 1),
  prerequisites: (assertion) => [{ type: 'account', primaryKey: [text(assertion, 'account-id')] }],
  async checkAgainst(assertion, known: KnownAssertions) {
    await requireRootAuthority(assertion, known);
    await requireAccount(assertion, text(assertion, 'account-id'), known);
  },
});

export const accountKeyRequest = defineType({
  name: 'account-key-request',
  primaryKey: ['public-key-sha3-384'],
  authority: 'none',
  check(draft) {
    fullText(draft, 'account-id');
    matchingText(draft, 'name', ACCOUNT_KEY_NAME);
    checkSinceUntil(draft);
    checkPublicKey(draft);
  },
  prerequisites: (assertion) => [{ type: 'account', primaryKey: [text(assertion, 'account-id')] }],
  async checkAgainst(assertion, known) {
    await requireAccount(assertion, text(assertion, 'account-id'), known);
  },
});

/** The patterns of an account-key's "constraints" header (format 1), one for each alternative; none when absent. */
export function constraintPatterns(scope: Scope): readonly ValuePattern[] {
  const constraints = optionalList(scope, 'constraints');
  if (constraints === undefined) return [];
  if (constraints.length === 0) refuse('"constraints" header is empty');
  return constraints.map((constraint) => {
    if (!isMap(constraint)) return refuse('"constraints" header must be a list of maps');
    return compileValuePattern(constrainedHeaders(constraint), { references: [], operations: [] });
  });
}

function constrainedHeaders(constraint: HeaderMap): HeaderMap {
  const headers = optionalMap({ values: constraint, where: 'of a constraint' }, 'headers');
  if (headers === undefined) return refuse('a constraint has no "headers"');
  const type = ownValue(headers, 'type');
  if (typeof type !== 'string')
    return refuse('a constraint must name the "type" of assertion that it allows');
  if (/[\\.+*?()|[\]{}^$]/.test(type))
    refuse(`the "type" of a constraint must be plain, not ${quoted(type)}`);
  return headers;
}

function checkSinceUntil(draft: Draft): void {
  const since = instant(draft, 'since');
  const until = optionalInstant(draft, 'until');
  if (until !== undefined && until < since) refuse('"until" header lies before "since"');
}

function checkPublicKey(draft: Draft): void {
  const key = decodePublicKey(draft.body);
  if (fullText(draft, 'public-key-sha3-384') !== key.keyId) {
    throw new AssertionError(
      'header-invalid',
      'cannot accept the assertion: "public-key-sha3-384" header is not the id of the key in the body',
    );
  }
}
