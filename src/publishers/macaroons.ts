import { createHmac, timingSafeEqual } from 'node:crypto';

import { PublisherError } from './errors.ts';
import {
  decodePackets,
  encodePackets,
  malformed,
  MAX_MACAROON_BYTES,
  type Packet,
} from './macaroon-packets.ts';

/** A caveat as it stands in a macaroon; one with `verification` must be discharged by whoever runs `location`. */
export interface RawCaveat {
  readonly id: Uint8Array;
  readonly verification?: Uint8Array;
  readonly location?: string;
}

/** A macaroon that was read and not yet verified: trust nothing in it but its shape. */
export interface Macaroon {
  readonly location: string;
  readonly identifier: string;
  readonly caveats: readonly RawCaveat[];
  readonly signature: Uint8Array;
}

/** What a macaroon whose signature holds says. */
export interface VerifiedMacaroon {
  readonly identifier: string;
  /** The texts of the first-party caveats, in order. */
  readonly caveats: readonly string[];
}

const SIGNATURE_BYTES = 32;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
/** libmacaroons derives each root key with this key, so that root keys of any length and quality serve. */
const KEY_GENERATOR = Buffer.concat([Buffer.from('macaroons-key-generator'), Buffer.alloc(9)]);

/**
 * Makes a macaroon in V1 binary form, base64url without padding: the one form that craft-store and snapd both take.
 * The location is a hint for people and is not signed; the identifier and the caveats are.
 */
export function mintMacaroon(parts: {
  readonly rootKey: Uint8Array;
  readonly identifier: string;
  readonly location: string;
  readonly caveats: readonly string[];
}): string {
  const caveats = parts.caveats.map((caveat) => ({ id: utf8(caveat) }));
  const signature = chainFrom(derivedKey(parts.rootKey), parts.identifier, caveats);
  return encodeMacaroon({ location: parts.location, identifier: parts.identifier, caveats, signature });
}

/**
 * Narrows a macaroon by one more first-party caveat. Needs no key: whoever holds a macaroon may always narrow it.
 *
 * @throws PublisherError `macaroon-malformed`
 */
export function addCaveat(text: string, caveat: string): string {
  const macaroon = decodeMacaroon(text);
  const added = { id: utf8(caveat) };
  const signature = linkCaveat(macaroon.signature, added);
  return encodeMacaroon({ ...macaroon, caveats: [...macaroon.caveats, added], signature });
}

/**
 * Verifies the signature chain in constant time, then hands each caveat to `check`, which throws to refuse.
 * Third-party caveats are refused: no token of Airlock needs a discharge.
 *
 * @throws PublisherError `macaroon-malformed` or `macaroon-invalid`, and whatever `check` throws
 */
export function verifyMacaroon(
  text: string,
  rootKey: Uint8Array,
  check: (caveat: string) => void = () => undefined,
): VerifiedMacaroon {
  const macaroon = decodeMacaroon(text);
  verifiedChain(macaroon, rootKey);
  const caveats = macaroon.caveats.map((caveat) => {
    if (caveat.verification) throw macaroonInvalid('it has a third-party caveat');
    return textOfCaveat(caveat);
  });
  for (const caveat of caveats) check(caveat);
  return { identifier: macaroon.identifier, caveats };
}

/**
 * Reads a macaroon without verifying it, for instance to find the root key that its identifier names.
 *
 * @throws PublisherError `macaroon-malformed`
 */
export function decodeMacaroon(text: string): Macaroon {
  const trimmed = text.trim().replace(/=+$/, '');
  if (!BASE64URL.test(trimmed) || trimmed.length > MAX_MACAROON_BYTES * 2)
    throw malformed('it is not base64url');
  const packets = decodePackets(Buffer.from(trimmed, 'base64url'));
  const [location, identifier, ...rest] = packets;
  const signature = rest.pop();
  if (location?.name !== 'location' || identifier?.name !== 'identifier' || signature?.name !== 'signature') {
    throw malformed('it needs a location, an identifier and a signature, in this order');
  }
  if (signature.value.length !== SIGNATURE_BYTES) throw malformed('its signature has a wrong length');
  return {
    location: decodeUtf8(location.value),
    identifier: decodeUtf8(identifier.value),
    caveats: readCaveats(rest),
    signature: signature.value,
  };
}

/** The V1 text of a macaroon, base64url without padding. */
export function encodeMacaroon(macaroon: Macaroon): string {
  const packets: Packet[] = [
    { name: 'location', value: utf8(macaroon.location) },
    { name: 'identifier', value: utf8(macaroon.identifier) },
    ...macaroon.caveats.flatMap(caveatPackets),
    { name: 'signature', value: macaroon.signature },
  ];
  return Buffer.from(encodePackets(packets)).toString('base64url');
}

function caveatPackets(caveat: RawCaveat): Packet[] {
  return [
    { name: 'cid', value: caveat.id },
    ...(caveat.verification ? [{ name: 'vid', value: caveat.verification }] : []),
    ...(caveat.location === undefined ? [] : [{ name: 'cl', value: utf8(caveat.location) }]),
  ];
}

function readCaveats(packets: readonly Packet[]): RawCaveat[] {
  const caveats: { id: Uint8Array; verification?: Uint8Array; location?: string }[] = [];
  for (const { name, value } of packets) {
    const last = caveats.at(-1);
    if (name === 'cid') caveats.push({ id: value });
    else if (name === 'vid' && last && !last.verification && last.location === undefined)
      last.verification = value;
    else if (name === 'cl' && last && last.location === undefined) last.location = decodeUtf8(value);
    else throw malformed('it has a field out of place');
  }
  return caveats;
}

/**
 * The signatures of a macaroon before each caveat and after the last.
 * @throws PublisherError `macaroon-invalid` when the last is not that of the macaroon
 */
export function verifiedChain(macaroon: Macaroon, rootKey: Uint8Array): readonly Uint8Array[] {
  const signatures = [hmac(derivedKey(rootKey), utf8(macaroon.identifier))];
  for (const caveat of macaroon.caveats)
    signatures.push(linkCaveat(signatures.at(-1) ?? new Uint8Array(), caveat));
  if (!timingSafeEqual(signatures.at(-1) ?? new Uint8Array(), macaroon.signature))
    throw macaroonInvalid('its signature does not match');
  return signatures;
}

/** The key that signs, of one of any length and quality. */
export function derivedKey(rootKey: Uint8Array): Uint8Array {
  return hmac(KEY_GENERATOR, rootKey);
}

/** The signature of an identifier with caveats, under a key that was derived already. */
export function chainFrom(key: Uint8Array, identifier: string, caveats: readonly RawCaveat[]): Uint8Array {
  return caveats.reduce(linkCaveat, hmac(key, utf8(identifier)));
}

/** The signature after one more caveat. */
export function linkCaveat(signature: Uint8Array, caveat: RawCaveat): Uint8Array {
  if (!caveat.verification) return hmac(signature, caveat.id);
  return hmac(signature, Buffer.concat([hmac(signature, caveat.verification), hmac(signature, caveat.id)]));
}

/**
 * The text of a first-party caveat.
 * @throws PublisherError `macaroon-malformed`
 */
export function textOfCaveat(caveat: RawCaveat): string {
  return decodeUtf8(caveat.id);
}

function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(data).digest());
}

/** The error for a macaroon that is none of ours; `why` completes "cannot accept the macaroon: …". */
export function macaroonInvalid(why: string): PublisherError {
  return new PublisherError('unauthenticated', 'macaroon-invalid', `cannot accept the macaroon: ${why}`);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new PublisherError(
      'invalid',
      'macaroon-malformed',
      'cannot read the macaroon: a field is not UTF-8',
      { cause },
    );
  }
}
