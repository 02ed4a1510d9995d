import { CompactSign, EmbeddedJWK, compactVerify, exportJWK } from 'jose';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { BundleError } from './errors.ts';
import { fingerprintOf, sha3Of } from './hashing.ts';

const TYPE = 'airlock-manifest';
const ALGORITHM = 'EdDSA';
/** Characters of a signature; one of ours has some 400. */
const LONGEST = 16_384;

const claimsSchema = z.strictObject({ 'sha3-384': z.string(), size: z.number().int() });
const jwkSchema = z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().max(64) });

/** A public key of an exporter, as JSON Web Key. */
export type ExporterKey = { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string };

/** Signs manifests with the exporting machine's key (DESIGN 7: what assertions do not cover). */
export interface ManifestSigner {
  /** SHA3-384 of the raw public key, base64url: what an operator compares at the first import. */
  readonly fingerprint: string;
  /** The text of `manifest.jws` for these manifest bytes. */
  sign(manifest: Uint8Array): Promise<string>;
}

/** A signer with an Ed25519 private key. */
export async function manifestSigner(privateKey: KeyObject): Promise<ManifestSigner> {
  const jwk = jwkSchema.parse(await exportJWK(createPublicKey(privateKey)));
  const publicJwk = { kty: jwk.kty, crv: jwk.crv, x: jwk.x };
  const fingerprint = fingerprintOf(Buffer.from(jwk.x, 'base64url'));
  return {
    fingerprint,
    sign: (manifest) =>
      new CompactSign(
        new TextEncoder().encode(JSON.stringify({ 'sha3-384': sha3Of(manifest), size: manifest.byteLength })),
      )
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: fingerprint, jwk: publicJwk })
        .sign(privateKey),
  };
}

/**
 * Checks `manifest.jws` against the manifest's bytes and returns the key that signed it, with its fingerprint.
 * Whether that key is the one to trust is for the caller: the first import pins it, later ones compare.
 * @throws BundleError `manifest-signature-invalid`
 */
export async function verifyManifestSignature(
  manifest: Uint8Array,
  jws: string,
): Promise<{ readonly fingerprint: string; readonly key: ExporterKey }> {
  try {
    if (jws.length > LONGEST) throw new Error('it is longer than any signature');
    const verified = await compactVerify(jws.trim(), EmbeddedJWK, { algorithms: [ALGORITHM] });
    if (verified.protectedHeader.typ !== TYPE) throw new Error('it is a signature of another type');
    const jwk = jwkSchema.parse(verified.protectedHeader.jwk);
    const claims = claimsSchema.parse(JSON.parse(new TextDecoder().decode(verified.payload)));
    if (claims['sha3-384'] !== sha3Of(manifest) || claims.size !== manifest.byteLength)
      throw new Error('it was made for another manifest');
    return {
      fingerprint: fingerprintOf(Buffer.from(jwk.x, 'base64url')),
      key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x },
    };
  } catch (cause) {
    throw new BundleError(
      'manifest-signature-invalid',
      'cannot accept manifest.json: manifest.jws does not hold a valid signature of it; the archive was changed after it was exported',
      { member: 'manifest.jws', cause },
    );
  }
}
