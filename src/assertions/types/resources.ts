import { quoted } from '../errors.ts';
import {
  fullText,
  instant,
  matchingText,
  positive,
  refuse,
  sha3Digest,
  unsigned,
  type Scope,
} from '../header-rules.ts';
import { text } from '../header-values.ts';
import { DEFAULT_PROVENANCE, isSnapName, PROVENANCE, SERIES } from '../name-patterns.ts';
import { defineType } from '../type-rules.ts';
import { requireDelegation } from './delegation.ts';
import { checkIntegrity } from './integrity.ts';
import { requireAccount } from './shared.ts';

export const snapResourceRevision = defineType({
  name: 'snap-resource-revision',
  primaryKey: ['snap-id', 'resource-name', 'resource-sha3-384', 'provenance'],
  optionalPrimaryKeyDefaults: { provenance: DEFAULT_PROVENANCE },
  timestamped: true,
  check(draft) {
    checkResourceName(draft);
    sha3Digest(draft, 'resource-sha3-384');
    matchingText(draft, 'provenance', PROVENANCE);
    unsigned(draft, 'resource-size');
    positive(draft, 'resource-revision');
    fullText(draft, 'developer-id');
    instant(draft, 'timestamp');
    checkIntegrity(draft);
  },
  prerequisites: (assertion) => [
    { type: 'snap-declaration', primaryKey: [SERIES, text(assertion, 'snap-id')] },
    { type: 'account', primaryKey: [text(assertion, 'developer-id')] },
  ],
  async checkAgainst(assertion, known) {
    await requireDelegation(assertion, known, 'resource-revision');
    await requireAccount(assertion, text(assertion, 'developer-id'), known);
  },
});

export const snapResourcePair = defineType({
  name: 'snap-resource-pair',
  primaryKey: ['snap-id', 'resource-name', 'resource-revision', 'snap-revision', 'provenance'],
  optionalPrimaryKeyDefaults: { provenance: DEFAULT_PROVENANCE },
  timestamped: true,
  check(draft) {
    checkResourceName(draft);
    matchingText(draft, 'provenance', PROVENANCE);
    positive(draft, 'resource-revision');
    positive(draft, 'snap-revision');
    fullText(draft, 'developer-id');
    instant(draft, 'timestamp');
  },
  prerequisites: (assertion) => [
    { type: 'snap-declaration', primaryKey: [SERIES, text(assertion, 'snap-id')] },
  ],
  async checkAgainst(assertion, known) {
    await requireDelegation(assertion, known, 'snap-revision');
    await requireAccount(assertion, text(assertion, 'developer-id'), known);
  },
});

function checkResourceName(scope: Scope): void {
  const name = fullText(scope, 'resource-name');
  if (!isSnapName(name)) refuse(`"resource-name" ${scope.where} is not a valid name: ${quoted(name)}`);
}
