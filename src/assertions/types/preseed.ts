import { quoted } from '../errors.ts';
import {
  fullText,
  instant,
  isPresent,
  matchingText,
  onlyOnce,
  optionalMaps,
  optionalPositive,
  refuse,
  sha3Digest,
  type Scope,
} from '../header-rules.ts';
import { isSnapName, SNAP_ID } from '../name-patterns.ts';
import { defineType } from '../type-rules.ts';
import { modelName } from './shared.ts';

const SYSTEM_LABEL = /^[a-z0-9](?:-?[a-z0-9])*$/;

export const preseed = defineType({
  name: 'preseed',
  primaryKey: ['series', 'brand-id', 'model', 'system-label'],
  timestamped: true,
  check(draft) {
    modelName(draft);
    matchingText(draft, 'system-label', SYSTEM_LABEL);
    checkSnaps(draft);
    sha3Digest(draft, 'artifact-sha3-384');
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
    const id = isPresent(snap, 'id') ? matchingText(snap, 'id', SNAP_ID) : undefined;
    const revision = optionalPositive(snap, 'revision');
    if ((id === undefined) !== (revision === undefined)) {
      refuse(`"id" and "revision" ${snap.where} must be given together`);
    }
    checkComponents(snap, revision !== undefined);
    onceByName(name);
    if (id !== undefined) onceById(id);
  }
}

function checkComponents(snap: Scope, snapHasRevision: boolean): void {
  const once = onlyOnce(`component ${snap.where}`);
  for (const values of optionalMaps(snap, 'components') ?? []) {
    const name = fullText({ values, where: 'of a component' }, 'name');
    if (!isSnapName(name)) refuse(`${quoted(name)} is not a valid component name`);
    const revision = optionalPositive({ values, where: `of component ${quoted(name)}` }, 'revision');
    if ((revision !== undefined) !== snapHasRevision) {
      refuse(`component ${quoted(name)} ${snap.where} must have a revision exactly when its snap has one`);
    }
    once(name);
  }
}
