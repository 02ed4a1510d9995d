import { DeviceError } from './errors.ts';

const MODEL = /^[a-z0-9](?:-?[a-z0-9])*$/;
const SERIAL = /^[a-zA-Z0-9](?:[:+-]?[a-zA-Z0-9])*$/;
const API_KEY = /^[A-Za-z0-9](?:[-_]?[A-Za-z0-9])*$/;

/** Longest name of a model or key, and longest serial number, in characters (protocol/operators.md 2.4). */
export const MAX_NAME = 128;
/** Longest API key that the gateway takes, in characters (protocol/operators.md 2.4), and the shortest that is none too easy to guess. */
const MAX_API_KEY = 50;
const MIN_API_KEY = 8;

/** A model's name: lower-case letters, digits and single hyphens, as snapd's model assertions have them. */
export type ModelName = string & { readonly __brand: 'ModelName' };
/** A device's serial number in the strict form that every snapd feature takes (protocol/devices.md 1.4). */
export type SerialNumber = string & { readonly __brand: 'SerialNumber' };

function isModelName(text: string): text is ModelName {
  return text.length <= MAX_NAME && MODEL.test(text);
}

/** Whether the text is a serial number in the strict form; "/" and blanks never are. */
export function isSerialNumber(text: string): text is SerialNumber {
  return text.length > 0 && text.length <= MAX_NAME && SERIAL.test(text);
}

/** Reads a model's name. Throws {@link DeviceError} `name-malformed`. */
export function parseModelName(text: string): ModelName {
  if (isModelName(text)) return text;
  throw new DeviceError(
    'name-malformed',
    `cannot use ${quoted(text)} as a model name: use at most ${String(MAX_NAME)} lower-case letters, digits and single hyphens`,
  );
}

/**
 * Checks a signing key's name: what snapd takes as the name of an account-key, thus with at least one letter.
 * Throws {@link DeviceError} `name-malformed`.
 */
export function parseSigningKeyName(text: string): string {
  if (isModelName(text) && /[a-z]/.test(text)) return text;
  throw new DeviceError(
    'name-malformed',
    `cannot use ${quoted(text)} as a key name: use at most ${String(MAX_NAME)} lower-case letters, digits and single hyphens, with at least one letter`,
  );
}

/** Reads a serial number that an operator or a list gives. Throws {@link DeviceError} `name-malformed`. */
export function parseSerialNumber(text: string): SerialNumber {
  if (isSerialNumber(text)) return text;
  throw new DeviceError(
    'name-malformed',
    `cannot use ${quoted(text)} as a serial number: use letters and digits, with single "-", ":" or "+" between them`,
  );
}

/**
 * Checks an API key: alphanumeric with inner hyphens (the seed's own example has them) or underscores (nothing in the documents forbids
 * them, and gadgets hold keys that were made elsewhere), 8 to 50 characters.
 * The key itself is never part of the sentence. Throws {@link DeviceError} `api-key-malformed`.
 */
export function parseApiKey(text: string): string {
  if (text.length >= MIN_API_KEY && text.length <= MAX_API_KEY && API_KEY.test(text)) return text;
  throw new DeviceError(
    'api-key-malformed',
    `cannot use that API key: use ${String(MIN_API_KEY)} to ${String(MAX_API_KEY)} letters and digits, with single hyphens or underscores between them`,
  );
}

/** A foreign text as it may stand in an error sentence: quoted, short, on one line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 61)}...` : text);
}
