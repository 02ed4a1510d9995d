import { quoted } from '../errors.ts';
import {
  fullText,
  integerFrom,
  oneOf,
  onlyOnce,
  optionalMaps,
  positive,
  refuse,
  texts,
  type Scope,
} from '../header-rules.ts';
import { isInstanceName } from '../name-patterns.ts';
import { defineType } from '../type-rules.ts';
import { isChannel } from './channel-names.ts';
import { checkDeviceId } from './device-ids.ts';

const SNAP_STATES = ['clustered', 'evacuated', 'removed'];

export const cluster = defineType({
  name: 'cluster',
  primaryKey: ['cluster-id', 'sequence'],
  sequenceForming: true,
  check(draft) {
    positive(draft, 'sequence');
    const devices = deviceNumbers(draft);
    checkSubclusters(draft, devices);
  },
});

function deviceNumbers(scope: Scope): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const values of optionalMaps(scope, 'devices') ?? []) {
    const device = { values, where: 'of a device' };
    const number = positive(device, 'id');
    if (numbers.has(number)) refuse(`device ${number} appears twice`);
    numbers.add(number);
    checkDeviceId(fullText(device, 'device'), '"device" of a device');
    texts(device, 'addresses');
  }
  return numbers;
}

function checkSubclusters(scope: Scope, devices: ReadonlySet<number>): void {
  const once = onlyOnce('subcluster');
  for (const values of optionalMaps(scope, 'subclusters') ?? []) {
    const subcluster = { values, where: 'of a subcluster' };
    once(fullText(subcluster, 'name'));
    for (const number of texts(subcluster, 'devices')) {
      if (!devices.has(integerFrom(number, 'a device number')))
        refuse(`device ${quoted(number)} is not in "devices"`);
    }
    for (const snap of optionalMaps(subcluster, 'snaps') ?? [])
      checkSnap({ values: snap, where: 'of a snap' });
  }
}

function checkSnap(snap: Scope): void {
  oneOf(fullText(snap, 'state'), SNAP_STATES, '"state" of a snap');
  if (!isInstanceName(fullText(snap, 'instance'))) refuse('"instance" of a snap is not a valid name');
  if (!isChannel(fullText(snap, 'channel'))) refuse('"channel" of a snap is not a channel');
}
