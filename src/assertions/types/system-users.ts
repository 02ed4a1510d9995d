import { quoted } from '../errors.ts';
import {
  flag,
  fullText,
  instant,
  matchingText,
  optionalTextOf,
  refuse,
  texts,
  type Scope,
} from '../header-rules.ts';
import { optionalText, textList } from '../header-values.ts';
import { oneYearAfter } from '../instants.ts';
import { defineType, type Draft } from '../type-rules.ts';
import { isMailAddress } from './mail-addresses.ts';

const USERNAME = /^[a-z0-9][-a-z0-9._]*$/;
const SALT_OR_HASH = /^[a-zA-Z0-9./]+$/;
/** Hash number of sha512crypt; lower ones are too weak. */
const LOWEST_HASH_ID = 6;
const FORMAT = { serials: 1, userPresence: 2 };

export const systemUser = defineType({
  name: 'system-user',
  primaryKey: ['brand-id', 'email'],
  maxFormat: 2,
  check(draft) {
    if (!isMailAddress(fullText(draft, 'email'))) refuse('"email" header is not a mail address');
    texts(draft, 'series');
    checkDevices(draft);
    optionalTextOf(draft, 'name');
    matchingText(draft, 'username', USERNAME);
    checkPassword(draft);
    texts(draft, 'ssh-keys');
    checkValidity(draft);
    checkUserPresence(draft);
  },
  neededFormat(headers) {
    if ((optionalText({ headers }, 'user-presence') ?? '') !== '') return FORMAT.userPresence;
    return textList({ headers }, 'serials').length > 0 ? FORMAT.serials : 0;
  },
});

function checkDevices(draft: Draft): void {
  const models = texts(draft, 'models');
  const serials = texts(draft, 'serials');
  if (serials.length === 0) return;
  if (draft.format < FORMAT.serials) refuse(`"serials" header needs format ${FORMAT.serials} or higher`);
  if (models.length !== 1) refuse('"serials" header needs exactly one model in "models"');
}

function checkPassword(scope: Scope): void {
  const password = optionalTextOf(scope, 'password');
  if (password !== undefined) checkHashedPassword(password);
  if (flag(scope, 'force-password-change') && password === undefined) {
    refuse('"force-password-change" header needs a "password"');
  }
}

/** A hash as crypt(3) writes it: `$id$salt$hash` or `$id$rounds=N$salt$hash`. */
function checkHashedPassword(password: string): void {
  const fields = splitAtMost(password, '$', 5);
  const [, id = '', third = ''] = fields;
  const hasRounds = fields.length === 5;
  if (fields.length < 4 || (!hasRounds && third.startsWith('rounds='))) {
    refuse('"password" header is not of the form $id$salt$hash');
  }
  if (!/^[+-]?[0-9]+$/.test(id) || Number(id) < LOWEST_HASH_ID) {
    refuse(`"password" header must use hash ${LOWEST_HASH_ID} (sha512crypt) or higher`);
  }
  if (hasRounds && third.startsWith('rounds=')) {
    const rounds = third.slice('rounds='.length);
    if (!/^[+-]?[0-9]+$/.test(rounds) || Number(rounds) < 5000 || Number(rounds) > 999_999_999) {
      refuse(`"password" header has rounds out of bounds: ${quoted(rounds)}`);
    }
  }
  const [salt = '', hash = ''] = fields.slice(-2);
  if (!SALT_OR_HASH.test(salt)) refuse('"password" header has an invalid salt');
  if (!SALT_OR_HASH.test(hash)) refuse('"password" header has an invalid hash');
}

function splitAtMost(value: string, separator: string, count: number): readonly string[] {
  const parts = value.split(separator);
  if (parts.length <= count) return parts;
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

function checkValidity(scope: Scope): void {
  const since = instant(scope, 'since');
  const until = instant(scope, 'until');
  if (until < since) refuse('"until" header lies before "since"');
  if (texts(scope, 'models').length === 0 && until > oneYearAfter(since)) {
    refuse('"until" header lies more than a year after "since" though no "models" are given');
  }
}

function checkUserPresence(draft: Draft): void {
  const presence = optionalTextOf(draft, 'user-presence');
  if (presence === undefined) return;
  if (draft.format < FORMAT.userPresence)
    refuse(`"user-presence" header needs format ${FORMAT.userPresence}`);
  if (presence !== 'until-expiration') refuse('"user-presence" header can be "until-expiration" only');
}
