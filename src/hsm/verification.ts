import { createPublicKey, publicDecrypt, type KeyObject } from 'node:crypto';
import type { RsaPublicKey } from './key-store.ts';

/** Header of a SHA-512 DigestInfo, RFC 8017 section 9.2 note 1. */
const SHA512_HEADER = Buffer.from('3051300d060960864801650304020305000440', 'hex');

/** A public key ready to check what the token signed. */
export class VerificationKey {
  readonly publicKey: RsaPublicKey;
  readonly #key: KeyObject;

  constructor(publicKey: RsaPublicKey) {
    this.publicKey = publicKey;
    const n = Buffer.from(publicKey.n).toString('base64url');
    const e = Buffer.from(publicKey.e).toString('base64url');
    this.#key = createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
  }

  /** Whether `signature` is the RSASSA-PKCS1-v1_5 signature of this SHA-512 digest, and of full length. */
  accepts(sha512: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length !== this.publicKey.n.length) return false;
    const content = this.#open(signature);
    // The whole is compared, as RFC 8017 section 8.2.2 wants: nothing that a lenient parser would pass over can hide in it.
    return content?.equals(Buffer.concat([SHA512_HEADER, sha512])) ?? false;
  }

  /** What the padding of the first type holds; with no more than the key, for Node takes that for this padding and is quickest so. */
  #open(signature: Uint8Array): Buffer | undefined {
    try {
      return publicDecrypt(this.#key, signature);
    } catch {
      // Another padding, or a number that is not smaller than the modulus: no signature of this key.
      return undefined;
    }
  }
}
