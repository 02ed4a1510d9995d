import { quoted } from '../errors.ts';
import {
  flag,
  fullText,
  isPresent,
  matchingText,
  onlyOnce,
  oneOf,
  optionalMap,
  optionalMaps,
  optionalTextOf,
  refuse,
  texts,
  type Scope,
} from '../header-rules.ts';
import { isMap } from '../header-values.ts';
import { isSnapName, SNAP_ID } from '../name-patterns.ts';
import { optionalOneOf } from './shared.ts';
import { isChannelWithTrack } from './channel-names.ts';

const TYPES = ['app', 'base', 'gadget', 'kernel', 'core', 'snapd'];
const ESSENTIAL_TYPES = ['gadget', 'kernel', 'snapd'];
const PRESENCES = ['required', 'optional'];
const MODE = /^[a-z][-a-z]+$/;
const ESSENTIAL_MODES = ['run', 'ephemeral'];
const ORDINARY_MODES = ['run'];
/** Bases whose snap id every device knows. */
const WELL_KNOWN_BASES = ['core', 'snapd', 'core18', 'core20', 'core22', 'core24'];

/** What the "snaps" header is read against. */
interface ModelFacts {
  readonly base: string;
  readonly grade: string;
  readonly classic: boolean;
}

/** Whether a model may leave a base of this name out of its "snaps" header. */
export function isWellKnownBase(name: string): boolean {
  return WELL_KNOWN_BASES.includes(name);
}

/** Checks the "snaps" header of an extended model and tells which essential snaps it names. */
export function checkModelSnaps(
  scope: Scope,
  facts: ModelFacts,
): { readonly hasBase: boolean; readonly hasGadget: boolean; readonly hasKernel: boolean } {
  const onceByName = onlyOnce('snap');
  const onceById = onlyOnce('snap id');
  const onceByType = onlyOnce('a snap of type');
  let hasBase = false;
  const types = new Set<string>();
  for (const values of optionalMaps(scope, 'snaps') ?? []) {
    const { name, id, type } = checkModelSnap(values, facts);
    onceByName(name);
    if (id !== undefined) onceById(id);
    if (ESSENTIAL_TYPES.includes(type)) onceByType(type);
    else if (name === facts.base) {
      if (type !== 'base') refuse(`snap ${quoted(name)} is the model's base and must have type "base"`);
      hasBase = true;
    }
    types.add(type);
  }
  return { hasBase, hasGadget: types.has('gadget'), hasKernel: types.has('kernel') };
}

function checkModelSnap(
  values: Scope['values'],
  facts: ModelFacts,
): { readonly name: string; readonly id: string | undefined; readonly type: string } {
  const name = fullText({ values, where: 'of a snap' }, 'name');
  if (!isSnapName(name)) refuse(`${quoted(name)} is not a valid snap name`);
  const snap = { values, where: `of snap ${quoted(name)}` };
  const id = isPresent(snap, 'id') ? matchingText(snap, 'id', SNAP_ID) : undefined;
  if (id === undefined && facts.grade !== 'dangerous') refuse(`"id" ${snap.where} is missing`);
  const type = optionalOneOf(snap, 'type', TYPES) ?? 'app';
  const presence = optionalOneOf(snap, 'presence', PRESENCES);
  const isEssential = ESSENTIAL_TYPES.includes(type) || name === facts.base;
  if (isEssential && presence !== undefined)
    refuse(`"presence" ${snap.where} has no place: it is always there`);
  const modes = modesOf(snap, isEssential);
  const channel = optionalTextOf(snap, 'default-channel') ?? 'latest/stable';
  if (!isChannelWithTrack(channel)) refuse(`"default-channel" ${snap.where} is not a channel with a track`);
  checkClassic(snap, type, modes, facts);
  checkComponents(snap, modes);
  return { name, id, type };
}

function modesOf(snap: Scope, isEssential: boolean): readonly string[] {
  const modes = texts(snap, 'modes', MODE);
  if (isEssential && modes.length > 0) refuse(`"modes" ${snap.where} has no place: it is always there`);
  if (isEssential) return ESSENTIAL_MODES;
  return modes.length > 0 ? modes : ORDINARY_MODES;
}

function checkClassic(snap: Scope, type: string, modes: readonly string[], facts: ModelFacts): void {
  if (!flag(snap, 'classic')) return;
  if (!facts.classic) refuse(`"classic" ${snap.where} has a place in classic models only`);
  if (type !== 'app') refuse(`"classic" ${snap.where} has a place with type "app" only`);
  if (modes.length !== 1 || modes[0] !== 'run')
    refuse(`"classic" ${snap.where} has a place in run mode only`);
}

function checkComponents(snap: Scope, snapModes: readonly string[]): void {
  for (const [name, value] of Object.entries(optionalMap(snap, 'components') ?? {})) {
    if (!isSnapName(name)) refuse(`${quoted(name)} is not a valid component name`);
    const where = `of component ${quoted(name)} ${snap.where}`;
    if (typeof value === 'string') {
      oneOf(value, PRESENCES, `the presence ${where}`);
      continue;
    }
    if (!isMap(value)) return refuse(`the value ${where} must be a map or a presence`);
    const component = { values: value, where };
    const unknown = Object.keys(value).find((key) => key !== 'presence' && key !== 'modes');
    if (unknown !== undefined) refuse(`${quoted(unknown)} ${where} is not known`);
    oneOf(fullText(component, 'presence'), PRESENCES, `"presence" ${where}`);
    const foreign = texts(component, 'modes', MODE).find((mode) => !snapModes.includes(mode));
    if (foreign !== undefined) refuse(`"modes" ${where} has ${quoted(foreign)}, which its snap has not`);
  }
}
