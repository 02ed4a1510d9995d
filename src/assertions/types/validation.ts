import { quoted } from '../errors.ts';
import {
  flag,
  instant,
  isPresent,
  matchingText,
  onlyOnce,
  optionalMap,
  optionalMaps,
  optionalPositive,
  fullText,
  oneOf,
  positive,
  presentText,
  refuse,
  type Scope,
} from '../header-rules.ts';
import { isMap, text, type HeaderMap } from '../header-values.ts';
import { isSnapName, SNAP_ID, VALIDATION_SET_NAME } from '../name-patterns.ts';
import { defineType } from '../type-rules.ts';
import { inconsistent, missing, optionalOneOf, requireAuthorityIs } from './shared.ts';

const PRESENCES = ['required', 'optional', 'invalid'];

export const validation = defineType({
  name: 'validation',
  primaryKey: ['series', 'snap-id', 'approved-snap-id', 'approved-snap-revision'],
  timestamped: true,
  check(draft) {
    positive(draft, 'approved-snap-revision');
    flag(draft, 'revoked');
    instant(draft, 'timestamp');
  },
  prerequisites(assertion) {
    const [series = '', gating = '', gated = ''] = assertion.primaryKey;
    return [
      { type: 'snap-declaration', primaryKey: [series, gating] },
      { type: 'snap-declaration', primaryKey: [series, gated] },
    ];
  },
  async checkAgainst(assertion, known) {
    const [series = '', gating = '', gated = ''] = assertion.primaryKey;
    const declaration = await known.find('snap-declaration', [series, gating]);
    if (declaration === undefined) throw missing(assertion, `snap-declaration ${series}/${gating}`);
    if ((await known.find('snap-declaration', [series, gated])) === undefined) {
      throw missing(assertion, `snap-declaration ${series}/${gated}`);
    }
    if (text(declaration, 'publisher-id') !== assertion.authorityId) {
      throw inconsistent(assertion, 'it is not signed by the publisher of the gating snap');
    }
  },
});

export const validationSet = defineType({
  name: 'validation-set',
  primaryKey: ['series', 'account-id', 'name', 'sequence'],
  sequenceForming: true,
  timestamped: true,
  check(draft) {
    requireAuthorityIs(draft, 'account-id');
    matchingText(draft, 'name', VALIDATION_SET_NAME);
    positive(draft, 'sequence');
    checkSnaps(draft);
    instant(draft, 'timestamp');
  },
});

function checkSnaps(scope: Scope): void {
  const onceByName = onlyOnce('snap');
  const onceById = onlyOnce('snap id');
  for (const values of optionalMaps(scope, 'snaps') ?? refuse('"snaps" header is missing')) {
    const name = fullText({ values, where: 'of a snap' }, 'name');
    if (!isSnapName(name)) refuse(`${quoted(name)} is not a valid snap name`);
    const snap = { values, where: `of snap ${quoted(name)}` };
    const id = matchingText(snap, 'id', SNAP_ID);
    const presence = optionalOneOf(snap, 'presence', PRESENCES);
    const revision = optionalPositive(snap, 'revision');
    if (revision !== undefined && presence === 'invalid') {
      refuse(`snap ${quoted(name)} has a revision though its presence is invalid`);
    }
    checkComponents(snap, revision !== undefined);
    onceByName(name);
    onceById(id);
  }
}

function checkComponents(snap: Scope, snapHasRevision: boolean): void {
  for (const [name, value] of Object.entries(optionalMap(snap, 'components') ?? {})) {
    if (!isSnapName(name)) refuse(`${quoted(name)} is not a valid component name`);
    const values: HeaderMap = isMap(value)
      ? value
      : typeof value === 'string'
        ? { presence: value }
        : refuse(`component ${quoted(name)} ${snap.where} must be a map or a presence`);
    checkComponent({ values, where: `of component ${quoted(name)} ${snap.where}` }, snapHasRevision);
  }
}

function checkComponent(component: Scope, snapHasRevision: boolean): void {
  const presence = presentText(component, 'presence');
  if (presence !== '') oneOf(presence, PRESENCES, `"presence" ${component.where}`);
  const hasRevision = isPresent(component, 'revision');
  if (hasRevision) positive(component, 'revision');
  if (hasRevision && presence === 'invalid')
    refuse(`"revision" ${component.where} stands with an invalid presence`);
  if (snapHasRevision && !hasRevision && presence !== 'invalid') {
    refuse(`"revision" ${component.where} is missing though its snap has one`);
  }
  if (!snapHasRevision && hasRevision)
    refuse(`"revision" ${component.where} is there though its snap has none`);
}
