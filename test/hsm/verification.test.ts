import { createHash, generateKeyPairSync, privateEncrypt, constants, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { VerificationKey } from '../../src/hsm/verification.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = publicKey.export({ format: 'jwk' });
const key = new VerificationKey({
  n: Buffer.from(jwk.n ?? '', 'base64url'),
  e: Buffer.from(jwk.e ?? '', 'base64url'),
});
const message = Buffer.from('a serial assertion');
const digest = createHash('sha512').update(message).digest();

/** What a token would return if it padded by rules of its own: 256 bytes, raw RSA. */
function rawSignature(padded: Buffer): Buffer {
  return privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, padded);
}
const header = Buffer.from('3051300d060960864801650304020305000440', 'hex');

describe('the check of a signature before it leaves', () => {
  it('accepts what node:crypto signs', () => {
    expect(key.accepts(digest, sign('sha512', message, privateKey))).toBe(true);
  });

  it('accepts the padding of RFC 8017 to the byte', () => {
    const filling = Buffer.alloc(256 - 3 - header.length - 64, 0xff);
    const padded = Buffer.concat([Buffer.from([0, 1]), filling, Buffer.from([0]), header, digest]);
    expect(key.accepts(digest, rawSignature(padded))).toBe(true);
  });

  it.each([
    ['of another message', () => sign('sha512', Buffer.from('another'), privateKey)],
    ['of another hash', () => sign('sha256', message, privateKey)],
    [
      'of another key',
      () => sign('sha512', message, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
    ],
    ['with one bit changed', () => flipped(sign('sha512', message, privateKey))],
    ['that is too short', () => sign('sha512', message, privateKey).subarray(1)],
    ['that is not below the modulus', () => Buffer.alloc(256, 0xff)],
    ['that is empty', () => Buffer.alloc(0)],
    [
      'with short filling and something behind the digest',
      () => {
        const body = Buffer.concat([
          Buffer.from([0, 1]),
          Buffer.alloc(8, 0xff),
          Buffer.from([0]),
          header,
          digest,
        ]);
        return rawSignature(Buffer.concat([body, Buffer.alloc(256 - body.length, 7)]));
      },
    ],
  ])('refuses a signature %s', (_what, make) => {
    expect(key.accepts(digest, make())).toBe(false);
  });
});

function flipped(signature: Buffer): Buffer {
  const changed = Buffer.from(signature);
  changed[100] = (changed[100] ?? 0) ^ 1;
  return changed;
}
