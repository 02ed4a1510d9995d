import { AirlockError, type ErrorKind } from '../errors.ts';

/** Every way in which an assertion, a key or a chain of trust can be refused. */
export type AssertionErrorCode =
  /** The text is not an assertion: separators, UTF-8, header grammar, lengths. */
  | 'assertion-malformed'
  | 'assertion-too-large'
  | 'assertion-type-unknown'
  /** A header breaks a rule of its type. */
  | 'header-invalid'
  | 'body-invalid'
  /** The format number is above what we understand, or below what the content needs. */
  | 'format-unsupported'
  | 'key-malformed'
  /** The signature is not an OpenPGP packet as assertions have it. */
  | 'signature-malformed'
  | 'signature-invalid'
  | 'key-unknown'
  /** The key that signed is not valid yet: check the clock. */
  | 'key-not-yet-valid'
  /** The key that signed has expired. */
  | 'key-expired'
  | 'key-revoked'
  | 'key-constrained'
  /** The timestamp lies outside the validity of the key that signed. */
  | 'timestamp-outside-key'
  | 'not-trusted'
  | 'prerequisite-missing'
  /** At odds with another assertion that is already known. */
  | 'assertion-inconsistent'
  /** Two assertions of one batch claim the same key and revision with different bytes. */
  | 'assertion-conflict';

const KINDS: { readonly [code in AssertionErrorCode]: ErrorKind } = {
  'assertion-malformed': 'invalid',
  'assertion-too-large': 'too-large',
  'assertion-type-unknown': 'invalid',
  'header-invalid': 'invalid',
  'body-invalid': 'invalid',
  'format-unsupported': 'invalid',
  'key-malformed': 'invalid',
  'signature-malformed': 'invalid',
  'signature-invalid': 'invalid',
  'key-unknown': 'invalid',
  'key-not-yet-valid': 'invalid',
  'key-expired': 'invalid',
  'key-revoked': 'invalid',
  'key-constrained': 'invalid',
  'timestamp-outside-key': 'invalid',
  'not-trusted': 'forbidden',
  'prerequisite-missing': 'invalid',
  'assertion-inconsistent': 'invalid',
  'assertion-conflict': 'conflict',
};

/** An assertion, key or chain that is refused; the kind follows from the code. */
export class AssertionError extends AirlockError<AssertionErrorCode> {
  constructor(code: AssertionErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super(KINDS[code], code, sentence, options);
  }
}

/** Most that we quote of a stranger's text inside a sentence. */
const QUOTE_LIMIT = 80;

/** A stranger's text, shortened and escaped, for use inside an error sentence. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > QUOTE_LIMIT ? `${value.slice(0, QUOTE_LIMIT)}…` : value);
}
