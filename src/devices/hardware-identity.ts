import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

import { jsonField } from './claims.ts';
import { DeviceError } from './errors.ts';

/** The hardware identity that a registration body claims (protocol/devices.md 1.1). */
export interface HardwareProof {
  /** SHA3-384 of the `hardware-id-key` text, as the body writes it: base64url, or hex. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/** snapd leaves the hash to both sides; a TPM or a secure element knows one of these. */
const HASHES = ['sha256', 'sha384', 'sha512'] as const;

/**
 * Reads the proof from a serial-request's body: JSON with `hardware-id-key-sha384` (sic) and `request-id-signature`.
 * Undefined when the body claims no hardware identity. Throws {@link DeviceError} `hardware-identity-malformed`.
 */
export function readHardwareProof(body: string): HardwareProof | undefined {
  const keyId = jsonField(body, 'hardware-id-key-sha384') ?? jsonField(body, 'hardware-id-key-sha3-384');
  const signature = jsonField(body, 'request-id-signature');
  if (keyId === undefined && signature === undefined) return undefined;
  if (keyId === undefined || signature === undefined) throw malformed('both fields are needed');
  const normal = /^[0-9a-fA-F]{96}$/.test(keyId) ? Buffer.from(keyId, 'hex').toString('base64url') : keyId;
  if (!/^[A-Za-z0-9_-]{64}$/.test(normal)) throw malformed('hardware-id-key-sha384 is not a SHA3-384');
  const compact = signature.replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/_-]{16,4096}={0,2}$/.test(compact))
    throw malformed('request-id-signature is not base64');
  return { keyId: normal, signature: Buffer.from(compact.replace(/-/g, '+').replace(/_/g, '/'), 'base64') };
}

function malformed(why: string): DeviceError {
  return new DeviceError(
    'hardware-identity-malformed',
    `cannot read the hardware identity in the registration body: ${why}`,
  );
}

/** SHA3-384, base64url, of a `hardware-id-key` text: the second part of a hardware-identity's primary key. */
export function hardwareKeyId(hardwareIdKey: string): string {
  return createHash('sha3-384').update(hardwareIdKey).digest('base64url');
}

/**
 * Checks that the request-id is signed by the hardware's key: RSA PKCS#1 v1.5 or ECDSA (ASN.1), with SHA-256, SHA-384 or
 * SHA-512. `hardwareIdKey` is the PEM body without its markers. Throws {@link DeviceError} `hardware-identity-signature`.
 */
export function verifyHardwareProof(proof: HardwareProof, hardwareIdKey: string, requestId: string): void {
  const key = publicKeyOf(hardwareIdKey);
  const data = Buffer.from(requestId);
  if (HASHES.some((hash) => verify(hash, data, key, proof.signature))) return;
  throw new DeviceError(
    'hardware-identity-signature',
    'cannot accept the hardware identity: its key did not sign this request-id',
  );
}

/**
 * Checks that a proof by this key could ever hold: that it is an RSA or ECDSA key. Ask before a voucher of it is taken.
 * Throws {@link DeviceError} `hardware-identity-malformed`.
 */
export function checkHardwareKey(hardwareIdKey: string): void {
  publicKeyOf(hardwareIdKey);
}

function publicKeyOf(hardwareIdKey: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(`-----BEGIN PUBLIC KEY-----\n${hardwareIdKey.trim()}\n-----END PUBLIC KEY-----\n`);
  } catch (cause) {
    throw new DeviceError(
      'hardware-identity-malformed',
      'cannot read the hardware-id-key: it is not a public key',
      {
        cause,
      },
    );
  }
  if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'ec') {
    throw new DeviceError(
      'hardware-identity-malformed',
      'cannot use the hardware-id-key: it is neither RSA nor ECDSA',
    );
  }
  return key;
}
