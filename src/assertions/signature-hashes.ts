/** Hashes that a signature may name; signatures of our own use SHA-512. Weaker ones are refused. */
export type SignatureHash = 'sha256' | 'sha384' | 'sha512';

/** OpenPGP numbers of the hashes (RFC 4880 section 9.4). */
const BY_NUMBER: ReadonlyMap<number, SignatureHash> = new Map([
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
]);

/** DER of DigestInfo up to the digest itself (RFC 8017 section 9.2, note 1). */
const DIGEST_INFO_START: { readonly [hash in SignatureHash]: string } = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

/** The hash that an OpenPGP number names, if we take it. */
export function hashByNumber(number: number): SignatureHash | undefined {
  return BY_NUMBER.get(number);
}

/** What RSASSA-PKCS1-v1_5 pads and signs for a digest. */
export function digestInfo(hash: SignatureHash, digest: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.from(DIGEST_INFO_START[hash], 'hex'), digest]));
}
