import { createHash } from 'node:crypto';
import { AssertionError } from './errors.ts';

const SHA3_384_BYTES = 48;

/** SHA3-384 of the bytes. */
export function sha3Of(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha3-384').update(bytes).digest());
}

/** The 48 bytes of a digest as assertions write it (base64url, no padding); undefined for any other text. */
export function digestFromBase64Url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]{64}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === SHA3_384_BYTES ? new Uint8Array(bytes) : undefined;
}

/** A digest as assertions write it: base64url without padding. */
export function digestToBase64Url(digest: Uint8Array): string {
  return Buffer.from(digest).toString('base64url');
}

/**
 * A snap's SHA3-384 from the assertion form (base64url) to the form of the store API and of blobs (hex).
 * @throws AssertionError `header-invalid`
 */
export function snapSha3ToHex(base64url: string): string {
  const bytes = digestFromBase64Url(base64url);
  if (bytes === undefined) {
    throw new AssertionError(
      'header-invalid',
      'cannot read the digest: it is not a SHA3-384 in base64url form',
    );
  }
  return Buffer.from(bytes).toString('hex');
}

/**
 * A snap's SHA3-384 from hex (store API, blobs) to the assertion form (base64url).
 * @throws AssertionError `header-invalid`
 */
export function hexToSnapSha3(hex: string): string {
  if (!/^[0-9a-fA-F]{96}$/.test(hex)) {
    throw new AssertionError(
      'header-invalid',
      'cannot read the digest: it is not a SHA3-384 in hexadecimal form',
    );
  }
  return Buffer.from(hex, 'hex').toString('base64url');
}
