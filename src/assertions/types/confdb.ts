import { AssertionError } from '../errors.ts';
import {
  fullText,
  instant,
  matchingText,
  optionalMap,
  optionalMaps,
  optionalTextOf,
  refuse,
  texts,
} from '../header-rules.ts';
import { ownValue } from '../header-values.ts';
import { ACCOUNT_ID, STRICT_SERIAL } from '../name-patterns.ts';
import { utf8Text } from '../text-bytes.ts';
import { defineType, type Draft } from '../type-rules.ts';
import { modelName, requireAuthorityIs } from './shared.ts';
import { isJsonObject, sortedJson } from './sorted-json.ts';

const SCHEMA_NAME = /^[a-z](?:-?[a-z0-9])*$/;
/** The account of schemas that every device has; its schemas are signed by the public store's authority. */
const SYSTEM_ACCOUNT = 'system';
const SYSTEM_AUTHORITY = 'canonical';

/**
 * What the views and the storage schema mean is for devices to judge; here they are carried, so only their frame is
 * checked: a map of views, and a body of indented JSON with sorted names and a "storage" entry.
 */
export const confdbSchema = defineType({
  name: 'confdb-schema',
  primaryKey: ['account-id', 'name'],
  check(draft) {
    if (ownValue(draft.values, 'account-id') !== SYSTEM_ACCOUNT) requireAuthorityIs(draft, 'account-id');
    else if (ownValue(draft.values, 'authority-id') !== SYSTEM_AUTHORITY) {
      refuse(`schemas of account "${SYSTEM_ACCOUNT}" must be signed by "${SYSTEM_AUTHORITY}"`);
    }
    matchingText(draft, 'name', SCHEMA_NAME);
    if (optionalMap(draft, 'views') === undefined) refuse('"views" header is missing');
    optionalTextOf(draft, 'summary');
    checkBody(draft);
    instant(draft, 'timestamp');
  },
});

export const confdbControl = defineType({
  name: 'confdb-control',
  primaryKey: ['brand-id', 'model', 'serial'],
  authority: 'none',
  check(draft) {
    matchingText(draft, 'brand-id', ACCOUNT_ID);
    modelName(draft);
    if (!STRICT_SERIAL.test(fullText(draft, 'serial')))
      refuse('"serial" header has characters that are not allowed');
    for (const values of optionalMaps(draft, 'groups') ?? []) {
      const group = { values, where: 'of a group' };
      for (const name of ['authentications', 'views', 'operators']) {
        if (texts(group, name).length === 0) refuse(`"${name}" of a group is missing`);
      }
    }
  },
  prerequisites: (assertion) => [{ type: 'serial', primaryKey: assertion.primaryKey }],
});

function checkBody({ body }: Draft): void {
  const given = utf8Text(body) ?? '';
  let parsed: unknown;
  try {
    parsed = JSON.parse(given);
  } catch (error) {
    throw bodyInvalid('is not JSON', error);
  }
  if (!isJsonObject(parsed) || !Object.hasOwn(parsed, 'storage')) throw bodyInvalid('has no "storage" entry');
  if (sortedJson(parsed) !== given) throw bodyInvalid('must be JSON indented by 2 spaces with sorted names');
}

function bodyInvalid(detail: string, cause?: unknown): AssertionError {
  return new AssertionError('body-invalid', `cannot accept the assertion: its body ${detail}`, { cause });
}
