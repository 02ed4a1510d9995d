import { publicKeyFromRsa, type PublicKey } from '../assertions/index.ts';
import type { RsaPublicKey } from './key-store.ts';

/** A public key ready to check what the token signed. */
export class VerificationKey {
  readonly publicKey: RsaPublicKey;
  readonly #key: PublicKey;

  constructor(publicKey: RsaPublicKey) {
    this.publicKey = publicKey;
    this.#key = publicKeyFromRsa(publicKey);
  }

  /** Whether `signature` is the RSASSA-PKCS1-v1_5 signature of this SHA-512 digest, and of full length. */
  accepts(sha512: Uint8Array, signature: Uint8Array): boolean {
    return signature.length === this.publicKey.n.length && this.#key.verify(sha512, signature);
  }
}
