import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';

import { DeviceError } from './errors.ts';

const VERSION = 1;
const RANDOM = 16;
const MAC = 16;
const LENGTH = 1 + 4 + RANDOM + MAC;

/** How many random bytes {@link mintRequestId} wants. */
export const REQUEST_ID_RANDOM_BYTES = RANDOM;

/** How long a fresh request-id may wait for its serial-request, in seconds: what Serial Vault gives. */
export const REQUEST_ID_LIFE_SECONDS = 600;

/** A request-id that this service made; whether it is past its time or spent is a question of its own. */
export interface RequestId {
  /** The text as the device sends it back. */
  readonly text: string;
  readonly expiresAt: Date;
}

function mac(secret: KeyObject, head: Uint8Array): Buffer {
  return createHmac('sha256', secret).update('airlock request-id\0').update(head).digest().subarray(0, MAC);
}

/**
 * Makes a request-id that needs no row: random bytes and an expiry under an HMAC, so that a flood of requests for
 * request-ids costs no storage. `random` is {@link REQUEST_ID_RANDOM_BYTES} unguessable bytes; the expiry is kept in whole seconds.
 */
export function mintRequestId(of: {
  readonly secret: KeyObject;
  readonly random: Uint8Array;
  readonly expiresAt: Date;
}): string {
  if (of.random.length !== RANDOM) throw new RangeError(`a request-id takes ${String(RANDOM)} random bytes`);
  const bytes = Buffer.alloc(LENGTH);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeUInt32BE(Math.floor(of.expiresAt.getTime() / 1000), 1);
  bytes.set(of.random, 5);
  mac(of.secret, bytes.subarray(0, LENGTH - MAC)).copy(bytes, LENGTH - MAC);
  return bytes.toString('base64url');
}

/**
 * Reads a request-id that one of the given secrets made (the newest first; older ones during a rotation).
 * Expiry is not judged here: a device that polls after a 202 sends the same request-id for as long as it takes.
 * Throws {@link DeviceError} `request-id-unknown`.
 */
export function readRequestId(text: string, secrets: readonly KeyObject[]): RequestId {
  const bytes = Buffer.from(text, 'base64url');
  const genuine =
    bytes.length === LENGTH &&
    bytes[0] === VERSION &&
    // Only one spelling: base64url decoding is lenient, and a request-id counts as spent by its text.
    bytes.toString('base64url') === text &&
    secrets.some((secret) =>
      timingSafeEqual(mac(secret, bytes.subarray(0, LENGTH - MAC)), bytes.subarray(LENGTH - MAC)),
    );
  if (!genuine) {
    throw new DeviceError(
      'request-id-unknown',
      'cannot accept the request-id: it was not made by this service; ask for a new one',
    );
  }
  return { text, expiresAt: new Date(bytes.readUInt32BE(1) * 1000) };
}

/** Throws {@link DeviceError} `request-id-expired` when a request-id's time is over. */
export function checkRequestIdInTime(requestId: RequestId, now: Date): void {
  if (now.getTime() >= requestId.expiresAt.getTime()) {
    throw new DeviceError(
      'request-id-expired',
      `cannot accept the request-id: it expired at ${requestId.expiresAt.toISOString()}; ask for a new one`,
    );
  }
}
