import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

import { malformed } from './macaroon-packets.ts';
import {
  chainFrom,
  decodeMacaroon,
  derivedKey,
  encodeMacaroon,
  linkCaveat,
  macaroonInvalid,
  textOfCaveat,
  verifiedChain,
  type RawCaveat,
} from './macaroons.ts';

/** A caveat that somebody else has to discharge. */
export interface ThirdParty {
  /** Host of whoever discharges it: how clients find the caveat. */
  readonly location: string;
  /** What tells the third party, and it alone, the key of the discharge. */
  readonly identifier: string;
  /** The key of the discharge. */
  readonly key: Uint8Array;
}

/** What a macaroon and its discharge say, once both hold. */
export interface Discharged {
  readonly identifier: string;
  /** Texts of the root's own caveats. */
  readonly caveats: readonly string[];
  /** Texts of the caveats that the third party set. */
  readonly dischargeCaveats: readonly string[];
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';
const ZERO_KEY = Buffer.alloc(32);

/**
 * Adds a caveat that a third party must discharge. The key is sealed under the signature so far, for whoever holds the root key to
 * find again: libmacaroons seals it with another cipher, but none but the issuer ever opens it.
 * @param nonce 12 random bytes
 */
export function addThirdPartyCaveat(text: string, party: ThirdParty, nonce: Uint8Array): string {
  const macaroon = decodeMacaroon(text);
  const cipher = createCipheriv(CIPHER, macaroon.signature, nonce);
  const sealed = Buffer.concat([cipher.update(derivedKey(party.key)), cipher.final(), cipher.getAuthTag()]);
  const caveat: RawCaveat = {
    id: new TextEncoder().encode(party.identifier),
    verification: Buffer.concat([nonce, sealed]),
    location: party.location,
  };
  const signature = linkCaveat(macaroon.signature, caveat);
  return encodeMacaroon({ ...macaroon, caveats: [...macaroon.caveats, caveat], signature });
}

/** Binds a discharge to its root, so that it serves with no other. */
export function bindDischarge(root: string, discharge: string): string {
  const unbound = decodeMacaroon(discharge);
  const signature = boundSignature(decodeMacaroon(root).signature, unbound.signature);
  return encodeMacaroon({ ...unbound, signature });
}

/**
 * Verifies a root macaroon with one third-party caveat, and the discharge that is bound to it. What the caveats mean is the
 * caller's to judge.
 * @throws PublisherError `macaroon-malformed`, `macaroon-invalid`
 */
export function verifyDischarged(root: string, discharge: string, rootKey: Uint8Array): Discharged {
  const macaroon = decodeMacaroon(root);
  const signatures = verifiedChain(macaroon, rootKey);
  const at = macaroon.caveats.findIndex(({ verification }) => verification !== undefined);
  const caveat = macaroon.caveats[at];
  const others = macaroon.caveats.filter((one) => one !== caveat);
  if (caveat === undefined || others.some(({ verification }) => verification !== undefined))
    throw macaroonInvalid('it needs exactly one third-party caveat');
  const given = decodeMacaroon(discharge);
  if (!Buffer.from(given.identifier).equals(caveat.id))
    throw macaroonInvalid('the discharge is of another caveat');
  if (given.caveats.some(({ verification }) => verification !== undefined))
    throw macaroonInvalid('the discharge has a third-party caveat');
  const key = openKey(caveat.verification ?? new Uint8Array(), signatures[at] ?? new Uint8Array());
  const unbound = chainFrom(key, given.identifier, given.caveats);
  if (!timingSafeEqual(boundSignature(macaroon.signature, unbound), given.signature))
    throw macaroonInvalid('the discharge is not bound to it, or not of the right hand');
  return {
    identifier: macaroon.identifier,
    caveats: others.map(textOfCaveat),
    dischargeCaveats: given.caveats.map(textOfCaveat),
  };
}

function openKey(sealed: Uint8Array, signature: Uint8Array): Uint8Array {
  if (sealed.length !== NONCE_BYTES + 32 + TAG_BYTES) throw malformed('a verification id has a wrong length');
  const decipher = createDecipheriv(CIPHER, signature, sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw macaroonInvalid('its third-party caveat is not ours');
  }
}

function boundSignature(root: Uint8Array, discharge: Uint8Array): Uint8Array {
  const hash = (data: Uint8Array) => createHmac('sha256', ZERO_KEY).update(data).digest();
  return new Uint8Array(hash(Buffer.concat([hash(root), hash(discharge)])));
}
