import { AssertionError, quoted } from '../errors.ts';
import {
  fullText,
  instant,
  matchingText,
  oneOf,
  onlyOnce,
  refuse,
  texts,
  type Scope,
} from '../header-rules.ts';
import { ACCOUNT_ID } from '../name-patterns.ts';
import { defineType } from '../type-rules.ts';
import { checkDeviceId } from './device-ids.ts';

const MESSAGE_ID = /^[a-zA-Z0-9]{4,16}(?:-([0-9]+))?$/;
const MESSAGE_KIND = /^[a-z]+(?:-[a-z]+)*$/;
const STATUSES = ['success', 'error', 'unauthorized', 'rejected'];
const ASSUMED_FEATURE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

export const requestMessage = defineType({
  name: 'request-message',
  primaryKey: ['account-id', 'message-id'],
  check(draft) {
    matchingText(draft, 'account-id', ACCOUNT_ID);
    checkMessageId(draft);
    matchingText(draft, 'message-kind', MESSAGE_KIND);
    const once = onlyOnce('device');
    const devices = texts(draft, 'devices');
    if (devices.length === 0) refuse('"devices" header is missing');
    for (const device of devices) {
      checkDeviceId(device, '"devices" header');
      once(device);
    }
    for (const feature of texts(draft, 'assumes')) checkAssumed(feature);
    if (instant(draft, 'valid-until') < instant(draft, 'valid-since')) {
      refuse('"valid-until" header lies before "valid-since"');
    }
    instant(draft, 'timestamp');
    if (draft.body.length === 0) {
      throw new AssertionError('body-invalid', 'cannot accept the assertion: its body is empty');
    }
  },
});

export const responseMessage = defineType({
  name: 'response-message',
  primaryKey: ['account-id', 'message-id', 'device'],
  authority: 'none',
  check(draft) {
    matchingText(draft, 'account-id', ACCOUNT_ID);
    checkMessageId(draft);
    checkDeviceId(fullText(draft, 'device'), '"device" header');
    oneOf(fullText(draft, 'status'), STATUSES, '"status" header');
    instant(draft, 'timestamp');
  },
});

function checkMessageId(scope: Scope): void {
  const sequence = MESSAGE_ID.exec(matchingText(scope, 'message-id', MESSAGE_ID))?.[1];
  if (sequence !== undefined && !(Number(sequence) > 0 && BigInt(sequence) < 2n ** 63n)) {
    refuse('"message-id" header has a sequence number that is not 1 or more');
  }
}

/** A feature name, a version of the device's software, or an instruction set as isa-ARCHITECTURE-NAME. */
function checkAssumed(feature: string): void {
  const isInstructionSet = feature.startsWith('isa-');
  const fits = isInstructionSet
    ? feature.split('-').length >= 3
    : isVersion(feature) || ASSUMED_FEATURE.test(feature);
  if (!fits) refuse(`"assumes" header has an item that is not allowed: ${quoted(feature)}`);
}

function isVersion(feature: string): boolean {
  return /^snapd[1-9][0-9]*(?:\.[0-9]+)*/.test(feature);
}
