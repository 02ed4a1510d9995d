import { constants, createPublicKey, publicDecrypt, type KeyObject } from 'node:crypto';
import type { RsaPublicKey } from './key-store.ts';

/** Header of a SHA-512 DigestInfo, RFC 8017 section 9.2 note 1. */
const SHA512_HEADER = Buffer.from('3051300d060960864801650304020305000440', 'hex');

/** A public key ready to check what the token signed. */
export class VerificationKey {
  readonly publicKey: RsaPublicKey;
  readonly #key: KeyObject;
  /** Everything of the padded message but the digest, RFC 8017 section 9.2. */
  readonly #padding: Buffer;

  constructor(publicKey: RsaPublicKey) {
    this.publicKey = publicKey;
    const n = Buffer.from(publicKey.n).toString('base64url');
    const e = Buffer.from(publicKey.e).toString('base64url');
    this.#key = createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
    const filling = publicKey.n.length - SHA512_HEADER.length - 64 - 3;
    this.#padding = Buffer.concat([
      Buffer.from([0, 1]),
      Buffer.alloc(filling, 0xff),
      Buffer.from([0]),
      SHA512_HEADER,
    ]);
  }

  /** Whether `signature` is the RSASSA-PKCS1-v1_5 signature of this SHA-512 digest, and of full length. */
  accepts(sha512: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length !== this.publicKey.n.length) return false;
    const message = this.#open(signature);
    if (message?.length !== this.publicKey.n.length) return false;
    const at = this.#padding.length;
    return message.subarray(0, at).equals(this.#padding) && message.subarray(at).equals(sha512);
  }

  /** The padded message, compared whole above: so nothing that a lenient parser would pass over can hide in it. */
  #open(signature: Uint8Array): Buffer | undefined {
    try {
      return publicDecrypt({ key: this.#key, padding: constants.RSA_NO_PADDING }, signature);
    } catch {
      // A number that is not smaller than the modulus is no signature of this key.
      return undefined;
    }
  }
}
