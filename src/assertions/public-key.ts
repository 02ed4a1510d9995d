import {
  createHash,
  createPublicKey,
  publicDecrypt,
  timingSafeEqual,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { decodeArmored, encodeArmored } from './armor.ts';
import { digestToBase64Url } from './digests.ts';
import { AssertionError } from './errors.ts';
import { encodePublicKeyPacket, readPublicKeyPacket, type RsaNumbers } from './key-packets.ts';
import { digestInfo, type SignatureHash } from './signature-hashes.ts';
import { concatBytes, utf8Text } from './text-bytes.ts';

const VERSION = Uint8Array.of(1);

/** A public RSA key in the ways that assertions show it. Equal keys have equal ids, whatever their encoding was. */
export class PublicKey {
  /** SHA3-384 of the key's one normal encoding, as base64url: the id by which assertions name it. */
  readonly keyId: string;
  /** The key as base64 lines, as in the body of an account-key and in "device-key" headers. */
  readonly encoded: string;
  /** Length of the modulus. */
  readonly bits: number;
  readonly #numbers: RsaNumbers;
  #object: KeyObject | undefined;

  constructor(numbers: RsaNumbers) {
    const packet = encodePublicKeyPacket(numbers);
    this.#numbers = { n: withoutLeadingZeros(numbers.n), e: withoutLeadingZeros(numbers.e) };
    this.keyId = digestToBase64Url(createHash('sha3-384').update(VERSION).update(packet).digest());
    this.encoded = encodeArmored(packet);
    this.bits = bitLength(this.#numbers.n);
  }

  /** Modulus and exponent, big-endian, without leading zeros. */
  get numbers(): RsaNumbers {
    return this.#numbers;
  }

  /** The key for use with node:crypto, made at first use. */
  get object(): KeyObject {
    return (this.#object ??= createPublicKey({ key: this.toJwk(), format: 'jwk' }));
  }

  toJwk(): JsonWebKey {
    const { n, e } = this.#numbers;
    return { kty: 'RSA', n: Buffer.from(n).toString('base64url'), e: Buffer.from(e).toString('base64url') };
  }

  /** Whether a raw RSASSA-PKCS1-v1_5 signature (big-endian, at most as long as the modulus) fits the digest. */
  verify(digest: Uint8Array, signature: Uint8Array, hash: SignatureHash = 'sha512'): boolean {
    const length = this.#numbers.n.length;
    if (signature.length > length) return false;
    const padded = concatBytes(new Uint8Array(length - signature.length), signature);
    // Compared whole, as RFC 8017 section 8.2.2 wants: nothing that a lenient parser would pass over can hide in it.
    const expected = digestInfo(hash, digest);
    try {
      // With no more than the key, for Node takes that for this very padding and is quickest so.
      const found = publicDecrypt(this.object, padded);
      return found.length === expected.length && timingSafeEqual(found, expected);
    } catch {
      // The padding is wrong or the key cannot verify at all: no signature either way.
      return false;
    }
  }
}

const CACHE_SIZE = 2048;
const cache = new Map<string, PublicKey>();

/**
 * The key that a text of base64 lines holds (body of an account-key, "device-key" header). Recent answers are kept, for
 * the same few keys come again and again.
 * @throws AssertionError `key-malformed`
 */
export function decodePublicKey(encoded: string | Uint8Array): PublicKey {
  const text = typeof encoded === 'string' ? encoded : utf8Text(encoded);
  if (text === undefined)
    throw new AssertionError('key-malformed', 'cannot read the public key: it is not text');
  const known = cache.get(text);
  if (known !== undefined) return known;
  const key = new PublicKey(readPublicKeyPacket(decodeArmored(text, 'public key', 'key-malformed')));
  if (cache.size >= CACHE_SIZE) {
    const [oldest] = cache.keys();
    if (oldest !== undefined) cache.delete(oldest);
  }
  cache.set(text, key);
  return key;
}

/** The key of a modulus and an exponent, big-endian, as a PKCS#11 token gives them. */
export function publicKeyFromRsa(numbers: RsaNumbers): PublicKey {
  return new PublicKey(numbers);
}

/**
 * The key of an RSA JSON Web Key.
 * @throws AssertionError `key-malformed` for any other kind of key
 */
export function publicKeyFromJwk(jwk: {
  readonly kty?: string;
  readonly n?: string;
  readonly e?: string;
}): PublicKey {
  if (jwk.kty !== 'RSA' || jwk.n === undefined || jwk.e === undefined) {
    throw new AssertionError('key-malformed', 'cannot use the key: assertions are signed with RSA keys only');
  }
  return new PublicKey({
    n: new Uint8Array(Buffer.from(jwk.n, 'base64url')),
    e: new Uint8Array(Buffer.from(jwk.e, 'base64url')),
  });
}

function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? bytes.subarray(bytes.length) : bytes.subarray(first);
}

function bitLength(n: Uint8Array): number {
  return n.length === 0 ? 0 : n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
}
