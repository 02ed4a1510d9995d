import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AssertionError,
  decodePublicKey,
  publicKeyFromJwk,
  publicKeyFromRsa,
  publicKeyOf,
  publicRoot,
  softwareSigner,
} from '../../src/assertions/index.ts';
import { encodeInteger, encodePacket, PUBLIC_KEY_TAG } from '../../src/assertions/packets.ts';
import { encodeArmored } from '../../src/assertions/armor.ts';
import { concatBytes } from '../../src/assertions/text-bytes.ts';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = pair.publicKey.export({ format: 'jwk' });
const key = publicKeyFromJwk(jwk);
const { n, e } = key.numbers;

/** A key packet of another shape than the normal one. */
function packet(options: {
  version?: number;
  created?: readonly number[];
  algorithm?: number;
  n?: Uint8Array;
  e?: Uint8Array;
}) {
  const { version = 4, created = [0, 0, 0, 1], algorithm = 1 } = options;
  const content = concatBytes(
    Uint8Array.of(version, ...created, algorithm),
    encodeInteger(options.n ?? n),
    encodeInteger(options.e ?? e),
  );
  return encodePacket(PUBLIC_KEY_TAG, content);
}

describe('public keys', () => {
  it('look as devices write them: 76 columns, and a length that follows from the modulus', () => {
    expect(key.bits).toBe(2048);
    expect(key.encoded).toHaveLength(368);
    expect(key.encoded.split('\n').every((line) => line.length <= 76)).toBe(true);
    expect(key.encoded.startsWith('AcbATQRWhcGAAQgA')).toBe(true);
    expect(key.keyId).toMatch(/^[A-Za-z0-9_-]{64}$/);
  });

  it('have the id of the root that every device knows', () => {
    const rootKey = publicRoot()[1];
    expect(rootKey && publicKeyOf(rootKey).keyId).toBe(rootKey?.primaryKey[0]);
  });

  it('are the same key however they came', () => {
    const spaced = key.encoded.replaceAll('\n', '').replaceAll(/(.{10})/g, '$1\r\n');
    const all = [
      decodePublicKey(key.encoded),
      decodePublicKey(Buffer.from(key.encoded)),
      decodePublicKey(spaced),
      decodePublicKey(encodeArmored(packet({ created: [1, 2, 3, 4] }))),
      decodePublicKey(encodeArmored(packet({ algorithm: 3 }))),
      publicKeyFromRsa({ n: concatBytes(Uint8Array.of(0, 0), n), e: concatBytes(Uint8Array.of(0), e) }),
      softwareSigner(pair.privateKey).publicKey,
    ];
    for (const one of all) expect([one.keyId, one.encoded, one.bits]).toEqual([key.keyId, key.encoded, 2048]);
  });

  it('can be read from a packet with a header of the old form', () => {
    const content = packet({}).subarray(3);
    const old = concatBytes(Uint8Array.of(0x99, content.length >> 8, content.length & 0xff), content);
    expect(decodePublicKey(encodeArmored(old)).keyId).toBe(key.keyId);
  });

  it.each<[string, () => string]>([
    ['nothing', () => ''],
    ['what is not base64', () => `${key.encoded}!`],
    ['base64 with bad padding', () => key.encoded.replace(/=*$/, '=')],
    ['another version of the encoding', () => Buffer.from([2, ...packet({})]).toString('base64')],
    ['what is no packet', () => encodeArmored(Uint8Array.of(0x00, 0x01))],
    ['another kind of packet', () => encodeArmored(encodePacket(2, packet({}).subarray(3)))],
    ['a packet of version 3', () => encodeArmored(packet({ version: 3 }))],
    ['a key that is not RSA', () => encodeArmored(packet({ algorithm: 17 }))],
    ['an exponent beyond all use', () => encodeArmored(packet({ e: Uint8Array.of(1, 0, 0, 1) }))],
    ['a modulus beyond all use', () => encodeArmored(packet({ n: new Uint8Array(2049).fill(255) }))],
    ['a packet that ends early', () => encodeArmored(packet({}).subarray(0, 100))],
    ['bytes after the packet', () => encodeArmored(concatBytes(packet({}), Uint8Array.of(0)))],
  ])('cannot be read from %s', (_, text) => {
    expect(() => decodePublicKey(text())).toThrow(
      expect.objectContaining({ code: 'key-malformed', kind: 'invalid' }),
    );
  });

  it('are RSA keys only', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => publicKeyFromJwk(ec.publicKey.export({ format: 'jwk' }))).toThrow(AssertionError);
    expect(() => softwareSigner(ec.privateKey)).toThrow(AssertionError);
  });

  it('verify what their private half signed, and nothing else', async () => {
    const digest = createHash('sha512').update('content').digest();
    const signature = await softwareSigner(pair.privateKey).signDigest(digest);
    expect(key.verify(digest, signature)).toBe(true);
    expect(key.verify(createHash('sha512').update('other').digest(), signature)).toBe(false);
    expect(key.verify(digest.subarray(0, 48), signature, 'sha384')).toBe(false);
    expect(key.verify(digest, concatBytes(Uint8Array.of(0), signature))).toBe(false);
    expect(key.verify(digest, new Uint8Array())).toBe(false);
    fc.assert(
      fc.property(fc.nat(signature.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(signature, (byte, index) => (index === at ? byte ^ change : byte));
        expect(key.verify(digest, changed)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });
});

describe('packets', () => {
  it('have a length of one, two or five bytes', () => {
    const lengthBytes = (length: number): number =>
      encodePacket(2, new Uint8Array(length)).length - length - 1;
    expect([0, 191, 192, 8383, 8384].map(lengthBytes)).toEqual([1, 1, 2, 2, 5]);
  });

  it('hold whole numbers with their length in bits and no zeros in front', () => {
    expect([...encodeInteger(Uint8Array.of(0, 0, 1))]).toEqual([0, 1, 1]);
    expect([...encodeInteger(Uint8Array.of(0x1ff >> 8, 0xff))]).toEqual([0, 9, 1, 255]);
    expect([...encodeInteger(Uint8Array.of(0))]).toEqual([0, 0]);
  });
});
