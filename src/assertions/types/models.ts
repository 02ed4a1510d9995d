import { quoted } from '../errors.ts';
import {
  flag,
  fullText,
  instant,
  isPresent,
  matchingText,
  optionalTextOf,
  refuse,
  texts,
  type Scope,
} from '../header-rules.ts';
import { isList, ownValue } from '../header-values.ts';
import { ACCOUNT_ID, isSnapName } from '../name-patterns.ts';
import { defineType } from '../type-rules.ts';
import { checkModelSnaps, isWellKnownBase } from './model-snaps.ts';
import { checkModelValidationSets } from './model-validation-sets.ts';
import { modelName, optionalOneOf, requireAuthorityIs } from './shared.ts';

const GRADES = ['secured', 'signed', 'dangerous'];
const STORAGE_SAFETIES = ['encrypted', 'prefer-encrypted', 'prefer-unencrypted'];
const RISKS = ['stable', 'candidate', 'beta', 'edge'];
/** The ID field of os-release. */
const DISTRIBUTION = /^[a-z0-9._-]*$/;

export const model = defineType({
  name: 'model',
  primaryKey: ['series', 'brand-id', 'model'],
  timestamped: true,
  check(draft) {
    requireAuthorityIs(draft, 'brand-id');
    modelName(draft);
    const shape = { classic: flag(draft, 'classic'), extended: isPresent(draft, 'snaps') };
    checkHeadersFit(draft, shape);
    checkMandatory(draft, shape);
    const base = optionalTextOf(draft, 'base');
    if (base !== undefined) checkSnapName(base, 'base');
    optionalTextOf(draft, 'store');
    optionalTextOf(draft, 'display-name');
    if (shape.extended) checkExtended(draft, base ?? '', shape.classic);
    else checkPlain(draft);
    checkAuthorities(draft, 'serial-authority', false);
    checkAuthorities(draft, 'system-user-authority', true);
    checkAuthorities(draft, 'preseed-authority', false);
    instant(draft, 'timestamp');
    checkModelValidationSets(draft);
  },
});

/** Which of the three kinds of model it is: plain (core 16 and 18), extended (core 20 and later), classic of either. */
interface Shape {
  readonly classic: boolean;
  readonly extended: boolean;
}

function checkHeadersFit(scope: Scope, { classic, extended }: Shape): void {
  const misfits = extended
    ? ['gadget', 'kernel', 'required-snaps']
    : ['grade', 'storage-safety', ...(classic ? ['kernel', 'base'] : [])];
  for (const header of misfits) {
    if (isPresent(scope, header)) {
      refuse(`"${header}" header has no place in a model ${extended ? 'with' : 'without'} a "snaps" header`);
    }
  }
  if (classic && extended) matchingText(scope, 'distribution', DISTRIBUTION);
  else if (isPresent(scope, 'distribution')) {
    refuse('"distribution" header has a place in classic models with a "snaps" header only');
  }
}

function checkMandatory(scope: Scope, { classic, extended }: Shape): void {
  if (extended) for (const header of ['architecture', 'base']) fullText(scope, header);
  else if (classic) for (const header of ['architecture', 'gadget']) optionalTextOf(scope, header);
  else for (const header of ['architecture', 'gadget', 'kernel']) fullText(scope, header);
}

function checkExtended(scope: Scope, base: string, classic: boolean): void {
  const grade = optionalOneOf(scope, 'grade', GRADES) ?? 'signed';
  const safety = optionalOneOf(scope, 'storage-safety', STORAGE_SAFETIES);
  if (grade === 'secured' && safety !== undefined && safety !== 'encrypted') {
    refuse('"storage-safety" header of a secured model can be "encrypted" only');
  }
  const { hasBase, hasGadget, hasKernel } = checkModelSnaps(scope, { base, grade, classic });
  if (!classic && !hasGadget) refuse('"snaps" header does not name the gadget');
  if (!classic && !hasKernel) refuse('"snaps" header does not name the kernel');
  if (hasKernel && !hasGadget) refuse('"snaps" header names a kernel without a gadget');
  if (!hasBase && grade !== 'dangerous' && !isWellKnownBase(base)) {
    refuse(`"snaps" header must name the base ${quoted(base)}, which is not a well-known one`);
  }
}

function checkPlain(scope: Scope): void {
  for (const header of ['kernel', 'gadget']) if (isPresent(scope, header)) checkSnapWithTrack(scope, header);
  for (const name of texts(scope, 'required-snaps')) checkSnapName(name, 'required-snaps');
}

function checkSnapWithTrack(scope: Scope, header: string): void {
  const value = ownValue(scope.values, header);
  if (typeof value !== 'string') return refuse(`"${header}" header must be a text`);
  const separator = value.indexOf('=');
  checkSnapName(separator === -1 ? value : value.slice(0, separator), header);
  if (separator === -1) return;
  const track = value.slice(separator + 1);
  if (track.includes('/') || RISKS.includes(track))
    refuse(`"${header}" header must name a track alone after "="`);
}

function checkSnapName(name: string, header: string): void {
  if (!isSnapName(name)) refuse(`"${header}" header has an invalid snap name: ${quoted(name)}`);
}

function checkAuthorities(scope: Scope, header: string, allowsAny: boolean): void {
  const value = ownValue(scope.values, header);
  if (value === undefined || (allowsAny && value === '*')) return;
  if (!isList(value)) refuse(`"${header}" header must be a list of account ids${allowsAny ? ' or "*"' : ''}`);
  texts(scope, header, ACCOUNT_ID);
}
