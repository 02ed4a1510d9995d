import { createHash } from 'node:crypto';

/** SHA3-384 of bytes or text, in hexadecimal. */
export function sha3Of(bytes: Uint8Array | string): string {
  return createHash('sha3-384').update(bytes).digest('hex');
}

/** SHA3-384 of bytes in base64url without padding: how keys are named. */
export function fingerprintOf(bytes: Uint8Array): string {
  return createHash('sha3-384').update(bytes).digest('base64url');
}
