import { quoted } from '../errors.ts';
import {
  fullText,
  instant,
  matchingText,
  onlyOnce,
  optionalMaps,
  optionalPositive,
  presentText,
  refuse,
  texts,
  type Scope,
} from '../header-rules.ts';
import { text } from '../header-values.ts';
import { ACCOUNT_ID, ALIAS, APP_NAME, PROVENANCE } from '../name-patterns.ts';
import { defineType } from '../type-rules.ts';
import { checkDeviceScope, checkInterfaceRules, rulesFormat } from './declaration-rules.ts';
import { requireAccount, requireRootAuthority } from './shared.ts';

export const baseDeclaration = defineType({
  name: 'base-declaration',
  primaryKey: ['series'],
  timestamped: true,
  check(draft) {
    checkInterfaceRules(draft, 'plug');
    checkInterfaceRules(draft, 'slot');
    instant(draft, 'timestamp');
  },
  async checkAgainst(assertion, known) {
    await requireRootAuthority(assertion, known);
  },
});

export const snapDeclaration = defineType({
  name: 'snap-declaration',
  primaryKey: ['series', 'snap-id'],
  maxFormat: 7,
  timestamped: true,
  check(draft) {
    presentText(draft, 'snap-name');
    fullText(draft, 'publisher-id');
    instant(draft, 'timestamp');
    texts(draft, 'refresh-control');
    checkInterfaceRules(draft, 'plug');
    checkInterfaceRules(draft, 'slot');
    texts(draft, 'auto-aliases', ALIAS);
    checkAliases(draft);
    revisionAuthorities(draft);
  },
  neededFormat: rulesFormat,
  prerequisites: (assertion) => [{ type: 'account', primaryKey: [text(assertion, 'publisher-id')] }],
  async checkAgainst(assertion, known) {
    await requireRootAuthority(assertion, known);
    await requireAccount(assertion, text(assertion, 'publisher-id'), known);
  },
});

/** Who else may sign revisions of a snap, of which provenance and within which numbers. */
export interface RevisionAuthority {
  readonly accountId: string;
  readonly provenance: readonly string[];
  readonly minRevision: number;
  readonly maxRevision: number | undefined;
}

/** The "revision-authority" entries of a snap-declaration; none when absent. */
export function revisionAuthorities(scope: Scope): readonly RevisionAuthority[] {
  const entries = optionalMaps(scope, 'revision-authority');
  if (entries === undefined) return [];
  if (entries.length === 0) refuse('"revision-authority" header is empty');
  return entries.map((values) => {
    const entry = { values, where: 'of a revision authority' };
    const accountId = matchingText(entry, 'account-id', ACCOUNT_ID);
    const provenance = texts(entry, 'provenance', PROVENANCE);
    if (provenance.length === 0) refuse('"provenance" of a revision authority is missing');
    const minRevision = optionalPositive(entry, 'min-revision') ?? 1;
    const maxRevision = optionalPositive(entry, 'max-revision');
    if (maxRevision !== undefined && maxRevision < minRevision) {
      refuse('"max-revision" of a revision authority is below its "min-revision"');
    }
    checkDeviceScope(entry);
    return { accountId, provenance, minRevision, maxRevision };
  });
}

function checkAliases(scope: Scope): void {
  const once = onlyOnce('alias');
  for (const values of optionalMaps(scope, 'aliases') ?? []) {
    const name = matchingText({ values, where: 'of an alias' }, 'name', ALIAS);
    matchingText({ values, where: `of alias ${quoted(name)}` }, 'target', APP_NAME);
    once(name);
  }
}
