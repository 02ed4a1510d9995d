/**
 * Settings of Airlock's own, for HSM tokens besides the documented one: `airlock.hsm.NAME.FIELD`. A token is there once its
 * `token-label` is set. The documented token (`proxy.hsm.token-label`, `proxy.hsm.token-pin`) goes by the name `default`;
 * what the documents leave open of it can be set under that name too.
 */
import { z } from 'zod';
import { ConfigError } from './errors.ts';

/** The name of the token that the documented settings describe; keys are made on it unless another is named. */
export const DEFAULT_TOKEN = 'default';

const FIELDS = ['token-label', 'token-pin', 'token-serial', 'module', 'p11-kit-address', 'pin-file'] as const;

/** What the documents have a name of their own for. */
const DOCUMENTED_FIELDS: ReadonlyMap<string, HsmTokenField> = new Map([
  ['proxy.hsm.token-label', 'token-label'],
  ['proxy.hsm.token-pin', 'token-pin'],
]);

/** What can be said of a token. */
export type HsmTokenField = (typeof FIELDS)[number];

/** A setting of one token. */
export type HsmTokenKey = `airlock.hsm.${string}.${HsmTokenField}`;

/** What a token's settings are read from. */
type SetValues = ReadonlyMap<string, string>;

const tokenName = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/);
const field = z.enum(FIELDS);
/** Tokens of one appliance: each has processes of its own. */
const MAX_TOKENS = 16;
/** PKCS#11 gives a label 32 bytes, a serial number 16. */
const LABEL_BYTES = 32;
const SERIAL_BYTES = 16;

/** Name and field of such a setting; undefined for every other key. */
export function hsmTokenKey(
  key: string,
): { readonly name: string; readonly field: HsmTokenField } | undefined {
  const [airlock, hsm, name, last, ...more] = key.split('.');
  if (airlock !== 'airlock' || hsm !== 'hsm' || more.length > 0) return undefined;
  const parsed = z.tuple([tokenName, field]).safeParse([name, last]);
  if (!parsed.success) return undefined;
  // The documents name these two.
  if (name === DEFAULT_TOKEN && (last === 'token-label' || last === 'token-pin')) return undefined;
  return { name: parsed.data[0], field: parsed.data[1] };
}

/** True for a key that {@link hsmTokenKey} reads. */
export function isHsmTokenKey(key: string): key is HsmTokenKey {
  return hsmTokenKey(key) !== undefined;
}

/**
 * Checks one value.
 * @throws ConfigError `setting-invalid`, without the value where it is the PIN
 */
export function checkHsmTokenValue(key: string, written: string): void {
  const asked = DOCUMENTED_FIELDS.get(key) ?? hsmTokenKey(key)?.field;
  const fault = asked && faultOf(asked, written);
  if (fault !== undefined)
    throw new ConfigError('invalid', 'setting-invalid', `cannot use this value of ${key}: ${fault}`);
}

function faultOf(asked: HsmTokenField, written: string): string | undefined {
  switch (asked) {
    case 'token-label':
      return Buffer.byteLength(written) <= LABEL_BYTES
        ? undefined
        : `a label has at most ${LABEL_BYTES} bytes`;
    case 'token-serial':
      return Buffer.byteLength(written) <= SERIAL_BYTES
        ? undefined
        : `a serial number has at most ${SERIAL_BYTES} bytes`;
    case 'token-pin':
      return Buffer.byteLength(written) <= 255 ? undefined : 'a PIN has at most 255 bytes';
    case 'module':
    case 'pin-file':
      return written.startsWith('/') ? undefined : 'it must be an absolute path';
    case 'p11-kit-address':
      return /^(?:unix:path=\/.+|vsock:cid=.+)$/.test(written)
        ? undefined
        : 'it must be the address that the p11-kit server prints, as in unix:path=/run/airlock/pkcs11';
  }
}

/** One token as the settings describe it, without its PIN. */
export interface HsmTokenSettings {
  readonly name: string;
  readonly label: string;
  readonly serial: string | undefined;
  /** A PKCS#11 module, or the address of a p11-kit server; neither: as the environment says. */
  readonly module: string | undefined;
  readonly p11KitAddress: string | undefined;
  readonly pinFile: string | undefined;
  /** The setting that holds the PIN. */
  readonly pinKey: string;
}

/** The tokens that are set, the documented one first where it has a label. */
export function hsmTokens(set: SetValues): readonly HsmTokenSettings[] {
  const named = [...set.keys()].flatMap((key) => {
    const parsed = hsmTokenKey(key);
    return parsed?.field === 'token-label' ? [parsed.name] : [];
  });
  const tokens = named.toSorted().map((name) => tokenOf(set, name, `airlock.hsm.${name}.token-label`));
  const documented = set.has('proxy.hsm.token-label')
    ? [tokenOf(set, DEFAULT_TOKEN, 'proxy.hsm.token-label')]
    : [];
  return [...documented, ...tokens];
}

/** The names of the tokens that keys can be made on, the default one first. */
export function hsmTokenNames(set: SetValues): readonly string[] {
  return [...new Set([DEFAULT_TOKEN, ...hsmTokens(set).map(({ name }) => name)])];
}

/** Throws ConfigError `hsm-token-missing` unless the name is one of those. */
export function requireHsmToken(known: readonly string[], name: string): void {
  if (known.includes(name)) return;
  throw new ConfigError(
    'not-found',
    'hsm-token-missing',
    `cannot use the HSM token '${name.slice(0, 64)}': there is none of that name; there is ${known.join(', ')}`,
  );
}

function tokenOf(set: SetValues, name: string, labelKey: string): HsmTokenSettings {
  const value = (asked: HsmTokenField) => set.get(`airlock.hsm.${name}.${asked}`);
  return {
    name,
    label: set.get(labelKey) ?? '',
    serial: value('token-serial'),
    module: value('module'),
    p11KitAddress: value('p11-kit-address'),
    pinFile: value('pin-file'),
    pinKey: name === DEFAULT_TOKEN ? 'proxy.hsm.token-pin' : `airlock.hsm.${name}.token-pin`,
  };
}

/**
 * Checks what no single value shows: all settings as they would be after a change.
 * @throws ConfigError `setting-invalid`
 */
export function checkHsmTokens(set: SetValues): void {
  const tokens = hsmTokens(set);
  if (tokens.length > MAX_TOKENS)
    throw refused(`cannot set more than ${MAX_TOKENS} HSM tokens: unset one of them first`);
  const places = new Map<string, string>();
  for (const token of tokens) {
    if (token.module !== undefined && token.p11KitAddress !== undefined) {
      throw refused(
        `cannot reach the HSM token "${token.name}" in two ways: unset airlock.hsm.${token.name}.module or airlock.hsm.${token.name}.p11-kit-address`,
      );
    }
    const place = JSON.stringify([token.module, token.p11KitAddress, token.label, token.serial]);
    const twin = places.get(place);
    if (twin !== undefined) {
      throw refused(
        `cannot set the HSM token "${token.name}": "${twin}" is the same label at the same place; give one of them a token-serial`,
      );
    }
    places.set(place, token.name);
  }
}

function refused(sentence: string): ConfigError {
  return new ConfigError('invalid', 'setting-invalid', sentence);
}
