import { quoted } from '../errors.ts';
import {
  fullText,
  instant,
  matchingText,
  optionalInstant,
  optionalMaps,
  positive,
  refuse,
  sha3Digest,
  unsigned,
  type Scope,
} from '../header-rules.ts';
import { isMap, list, optionalText, text } from '../header-values.ts';
import { ACCOUNT_ID, DEFAULT_PROVENANCE, PROVENANCE, SERIES } from '../name-patterns.ts';
import { defineType } from '../type-rules.ts';
import { requireDelegation } from './delegation.ts';
import { checkIntegrity } from './integrity.ts';
import { inconsistent, requireAccount, requireDeclaration } from './shared.ts';

export const snapBuild = defineType({
  name: 'snap-build',
  primaryKey: ['snap-sha3-384'],
  timestamped: true,
  check(draft) {
    sha3Digest(draft, 'snap-sha3-384');
    fullText(draft, 'snap-id');
    fullText(draft, 'grade');
    unsigned(draft, 'snap-size');
    instant(draft, 'timestamp');
  },
});

export const snapRevision = defineType({
  name: 'snap-revision',
  primaryKey: ['snap-sha3-384', 'provenance'],
  optionalPrimaryKeyDefaults: { provenance: DEFAULT_PROVENANCE },
  timestamped: true,
  check(draft) {
    sha3Digest(draft, 'snap-sha3-384');
    matchingText(draft, 'provenance', PROVENANCE);
    fullText(draft, 'snap-id');
    unsigned(draft, 'snap-size');
    positive(draft, 'snap-revision');
    fullText(draft, 'developer-id');
    instant(draft, 'timestamp');
    checkIntegrity(draft);
  },
  prerequisites: (assertion) => [
    { type: 'snap-declaration', primaryKey: [SERIES, text(assertion, 'snap-id')] },
    { type: 'account', primaryKey: [text(assertion, 'developer-id')] },
  ],
  async checkAgainst(assertion, known) {
    await requireDelegation(assertion, known, 'snap-revision');
    await requireAccount(assertion, text(assertion, 'developer-id'), known);
  },
});

export const snapDeveloper = defineType({
  name: 'snap-developer',
  primaryKey: ['snap-id', 'publisher-id'],
  check: checkDevelopers,
  prerequisites(assertion) {
    const accounts = new Set([text(assertion, 'publisher-id'), ...developersOf(assertion)]);
    return [
      { type: 'snap-declaration', primaryKey: [SERIES, text(assertion, 'snap-id')] },
      ...[...accounts].map((id) => ({ type: 'account' as const, primaryKey: [id] })),
    ];
  },
  async checkAgainst(assertion, known) {
    const publisher = text(assertion, 'publisher-id');
    const { authorityId } = assertion;
    if (authorityId !== publisher && !(authorityId !== undefined && (await known.isRoot(authorityId)))) {
      throw inconsistent(assertion, 'it is signed neither by the publisher nor by a trusted root authority');
    }
    await requireDeclaration(assertion, text(assertion, 'snap-id'), known);
    for (const id of new Set([publisher, ...developersOf(assertion)]))
      await requireAccount(assertion, id, known);
  },
});

function developersOf(assertion: Parameters<typeof list>[0]): readonly string[] {
  return list(assertion, 'developers').flatMap((entry) =>
    isMap(entry) ? [optionalText({ headers: entry }, 'developer-id') ?? ''] : [],
  );
}

/** Each developer has time ranges; one that ends where it starts revokes, and must then be the only one. */
function checkDevelopers(scope: Scope): void {
  const revokedByDeveloper = new Map<string, boolean>();
  for (const values of optionalMaps(scope, 'developers') ?? []) {
    const entry = { values, where: 'of a developer' };
    const developer = matchingText(entry, 'developer-id', ACCOUNT_ID);
    const since = instant(entry, 'since');
    const until = optionalInstant(entry, 'until');
    if (until !== undefined && until < since)
      refuse(`"until" of developer ${quoted(developer)} lies before "since"`);
    const revoked = until === since;
    const before = revokedByDeveloper.get(developer);
    if (before !== undefined && (before || revoked)) {
      refuse(`the revocation of developer ${quoted(developer)} must be its only entry`);
    }
    revokedByDeveloper.set(developer, revoked);
  }
}
