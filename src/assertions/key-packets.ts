import {
  encodeInteger,
  encodePacket,
  PacketReader,
  PUBLIC_KEY_TAG,
  PUBLIC_SUBKEY_TAG,
  readPacket,
} from './packets.ts';
import { concatBytes } from './text-bytes.ts';

/** Modulus and public exponent of an RSA key, big-endian. */
export interface RsaNumbers {
  readonly n: Uint8Array;
  readonly e: Uint8Array;
}

/** Version 4, created at 2016-01-01T00:00:00Z (the same for all keys, so that a key has one id), RSA. */
const PACKET_START = Uint8Array.of(4, 0x56, 0x85, 0xc1, 0x80, 1);
const RSA_ALGORITHMS: ReadonlySet<number> = new Set([1, 2, 3]);
const MAX_EXPONENT_BYTES = 3;
/** Larger moduli than any key in use; keeps one request from costing much to verify. */
const MAX_MODULUS_BYTES = 2048;

/** The public-key packet in the one form that assertions use. */
export function encodePublicKeyPacket({ n, e }: RsaNumbers): Uint8Array {
  return encodePacket(PUBLIC_KEY_TAG, concatBytes(PACKET_START, encodeInteger(n), encodeInteger(e)));
}

/**
 * The numbers of an RSA public-key packet of any creation time.
 * @throws AssertionError `key-malformed`
 */
export function readPublicKeyPacket(bytes: Uint8Array): RsaNumbers {
  const { tag, content } = readPacket(bytes, 'public key', 'key-malformed');
  const reader = new PacketReader(content, 'public key', 'key-malformed');
  if (tag !== PUBLIC_KEY_TAG && tag !== PUBLIC_SUBKEY_TAG) throw reader.fail('it is another kind of packet');
  if (reader.uint(1) !== 4) throw reader.fail('it is not a version 4 packet');
  reader.take(4);
  if (!RSA_ALGORITHMS.has(reader.uint(1))) throw reader.fail('it is not an RSA key');
  const n = reader.integer();
  const e = reader.integer();
  if (e.length > MAX_EXPONENT_BYTES) throw reader.fail('its exponent is too large');
  if (n.length > MAX_MODULUS_BYTES) throw reader.fail('its modulus is too large');
  return { n, e };
}
