import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  scrypt,
} from 'node:crypto';
import type { KeyObject, ScryptOptions } from 'node:crypto';
import { CompactEncrypt, calculateJwkThumbprint, compactDecrypt, exportJWK } from 'jose';
import { z } from 'zod';
import { sentenceOf } from '../errors.ts';
import { BackupError } from './errors.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Some 128 MiB and a third of a second: what guessing one passphrase costs. */
const COST = { n: 2 ** 17, r: 8, p: 1 } as const;
const SHORTEST_PASSPHRASE = 12;

const bytes = z.base64url().max(1024);

/** How the data key of a backup is sealed, as its header tells it; nothing in it is secret. */
export const sealedKey = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('passphrase'),
    /** Limited, so that a forged header cannot take all memory. */
    scrypt: z.strictObject({
      n: z
        .number()
        .int()
        .min(2 ** 14)
        .max(2 ** 20),
      r: z.number().int().min(1).max(16),
      p: z.number().int().min(1).max(4),
    }),
    salt: bytes,
    sealed: bytes,
  }),
  z.strictObject({
    kind: z.literal('public-key'),
    /** RFC 7638, to tell which private key is needed. */
    thumbprint: z.string().max(64),
    jwe: z.string().max(8192),
  }),
]);
export type SealedKey = z.infer<typeof sealedKey>;

/** What a backup is sealed to. `publicKey` is PEM: X25519, or RSA of 2048 bits and more. */
export type Recipient = { readonly passphrase: string } | { readonly publicKey: string };

/** What opens it again. `privateKey` is PEM (PKCS #8). */
export type Opener = { readonly passphrase: string } | { readonly privateKey: string };

/**
 * Makes a data key and seals it.
 * @throws BackupError `backup-key-unusable`
 */
export async function sealDataKey(
  recipient: Recipient,
): Promise<{ readonly dataKey: Uint8Array; readonly sealed: SealedKey }> {
  const dataKey = new Uint8Array(randomBytes(KEY_BYTES));
  const sealed =
    'passphrase' in recipient
      ? await sealToPassphrase(dataKey, recipient.passphrase)
      : await sealToPublicKey(dataKey, recipient.publicKey);
  return { dataKey, sealed };
}

/**
 * Opens the data key of a backup.
 * @throws BackupError `backup-key-wrong`, `backup-key-unusable`
 */
export async function openDataKey(sealed: SealedKey, opener: Opener): Promise<Uint8Array> {
  if (sealed.kind === 'passphrase') {
    if ('passphrase' in opener) return openWithPassphrase(sealed, opener.passphrase);
    throw wrong('it is sealed to a passphrase, and a private key was given');
  }
  if ('privateKey' in opener) return openWithPrivateKey(sealed, opener.privateKey);
  throw wrong(`it is sealed to the public key ${sealed.thumbprint}, and a passphrase was given`);
}

async function sealToPassphrase(dataKey: Uint8Array, passphrase: string): Promise<SealedKey> {
  if (passphrase.length < SHORTEST_PASSPHRASE)
    throw new BackupError(
      'backup-key-unusable',
      `cannot seal a backup to so short a passphrase: it needs at least ${SHORTEST_PASSPHRASE} characters`,
    );
  const salt = randomBytes(16);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', await stretched(passphrase, salt, COST), nonce);
  const sealed = Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
  return {
    kind: 'passphrase',
    scrypt: COST,
    salt: salt.toString('base64url'),
    sealed: sealed.toString('base64url'),
  };
}

async function openWithPassphrase(
  { scrypt: cost, salt, sealed }: SealedKey & { readonly kind: 'passphrase' },
  passphrase: string,
): Promise<Uint8Array> {
  const data = Buffer.from(sealed, 'base64url');
  if (data.length !== NONCE_BYTES + KEY_BYTES + TAG_BYTES) throw wrong('its header is damaged');
  const key = await stretched(passphrase, Buffer.from(salt, 'base64url'), cost);
  const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(data.subarray(-TAG_BYTES));
  try {
    const opened = decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES));
    return new Uint8Array(Buffer.concat([opened, decipher.final()]));
  } catch (cause) {
    throw wrong('the passphrase is not the one that it was sealed to', cause);
  }
}

function stretched(
  passphrase: string,
  salt: Uint8Array,
  { n, r, p }: { readonly n: number; readonly r: number; readonly p: number },
): Promise<Buffer> {
  const options: ScryptOptions = { N: n, r, p, maxmem: 256 * n * r };
  return new Promise((resolve, reject) => {
    // Composed and decomposed letters look the same on a keyboard's screen, so they are the same.
    scrypt(passphrase.normalize('NFKC'), salt, KEY_BYTES, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

async function sealToPublicKey(dataKey: Uint8Array, pem: string): Promise<SealedKey> {
  const key = readKey(pem, createPublicKey);
  const jwe = await new CompactEncrypt(dataKey)
    .setProtectedHeader({ alg: algorithmOf(key), enc: 'A256GCM' })
    .encrypt(key);
  return { kind: 'public-key', thumbprint: await thumbprintOf(key), jwe };
}

async function openWithPrivateKey(
  { jwe, thumbprint }: SealedKey & { readonly kind: 'public-key' },
  pem: string,
): Promise<Uint8Array> {
  const key = readKey(pem, createPrivateKey);
  const algorithm = algorithmOf(key);
  if ((await thumbprintOf(createPublicKey(pem))) !== thumbprint)
    throw wrong(`it is sealed to the public key ${thumbprint}, which is not that of this private key`);
  try {
    const { plaintext } = await compactDecrypt(jwe, key, {
      keyManagementAlgorithms: [algorithm],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    if (plaintext.length === KEY_BYTES) return plaintext;
  } catch (cause) {
    throw wrong('the private key does not open it', cause);
  }
  throw wrong('its header is damaged');
}

function readKey(pem: string, read: (pem: string) => KeyObject): KeyObject {
  try {
    return read(pem);
  } catch (cause) {
    throw new BackupError(
      'backup-key-unusable',
      `cannot read the key: PEM of an X25519 or RSA key is needed (${sentenceOf(cause)})`,
      { cause },
    );
  }
}

function algorithmOf(key: KeyObject): 'ECDH-ES+A256KW' | 'RSA-OAEP-256' {
  if (key.asymmetricKeyType === 'x25519') return 'ECDH-ES+A256KW';
  if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048)
    return 'RSA-OAEP-256';
  throw new BackupError(
    'backup-key-unusable',
    `cannot use a key of type ${key.asymmetricKeyType ?? 'unknown'}: X25519, or RSA of at least 2048 bits, is needed`,
  );
}

async function thumbprintOf(publicKey: KeyObject): Promise<string> {
  return calculateJwkThumbprint(await exportJWK(publicKey));
}

function wrong(why: string, cause?: unknown): BackupError {
  return new BackupError('backup-key-wrong', `cannot open the backup: ${why}`, { cause });
}
