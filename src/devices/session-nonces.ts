import { createHmac, timingSafeEqual } from 'node:crypto';
import { SessionError } from './sessions.ts';

/** How long a device may take between asking for a nonce and using it, in seconds. */
export const NONCE_LIFE_SECONDS = 300;

/** How many random bytes {@link mintNonce} wants. */
export const NONCE_RANDOM_BYTES = 16;

const MAC_BYTES = 16;
const HEAD_BYTES = 4 + NONCE_RANDOM_BYTES;

/** A nonce that this service made and that is in time. Whether it was used before is a question of its own. */
export interface Nonce {
  readonly text: string;
  readonly expiresAt: Date;
}

/**
 * Makes a nonce that needs no row until it is used: an expiry and random bytes under an HMAC, so that a flood of
 * requests for nonces costs no storage.
 */
export function mintNonce(of: {
  readonly secret: Uint8Array;
  readonly random: Uint8Array;
  readonly expiresAt: Date;
}): string {
  if (of.random.length !== NONCE_RANDOM_BYTES)
    throw new RangeError(`a nonce takes ${NONCE_RANDOM_BYTES} random bytes`);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(Math.floor(of.expiresAt.getTime() / 1000), 0);
  head.set(of.random, 4);
  return Buffer.concat([head, seal(of.secret, head)]).toString('base64url');
}

/** Reads a nonce that one of the secrets made. Throws {@link SessionError} `nonce-unknown`, `nonce-expired`. */
export function readNonce(text: string, secrets: readonly Uint8Array[], now: Date): Nonce {
  const bytes = text.length > 100 ? Buffer.alloc(0) : Buffer.from(text, 'base64url');
  const head = bytes.subarray(0, HEAD_BYTES);
  const genuine =
    bytes.length === HEAD_BYTES + MAC_BYTES &&
    // Only one spelling, because a nonce counts as used by its text.
    bytes.toString('base64url') === text &&
    secrets.some((secret) => timingSafeEqual(seal(secret, head), bytes.subarray(HEAD_BYTES)));
  if (!genuine) {
    throw new SessionError('nonce-unknown', 'cannot open a session: the nonce was not made by this store');
  }
  const expiresAt = new Date(bytes.readUInt32BE(0) * 1000);
  if (expiresAt <= now) {
    throw new SessionError('nonce-expired', 'cannot open a session: the nonce is too old; ask for a new one');
  }
  return { text, expiresAt };
}

function seal(secret: Uint8Array, head: Uint8Array): Buffer {
  return createHmac('sha256', secret)
    .update('airlock device nonce\0')
    .update(head)
    .digest()
    .subarray(0, MAC_BYTES);
}
