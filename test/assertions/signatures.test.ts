import { constants, createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeArmored } from '../../src/assertions/armor.ts';
import {
  decodeAssertion,
  publicKeyFromJwk,
  publicKeyOf,
  publicRoot,
  verifySignature,
} from '../../src/assertions/index.ts';
import { encodeInteger, encodePacket, SIGNATURE_TAG } from '../../src/assertions/packets.ts';
import { concatBytes, utf8Bytes } from '../../src/assertions/text-bytes.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = publicKeyFromJwk(publicKey.export({ format: 'jwk' }));
const TIME = [5, 2, 0x57, 0xb5, 0x18, 0xcf];
const ISSUER = [9, 16, 1, 2, 3, 4, 5, 6, 7, 8];
const HASHES: { readonly [number: number]: string } = { 2: 'sha1', 8: 'sha256', 9: 'sha384', 10: 'sha512' };

const content = [
  'type: account',
  'authority-id: me',
  'account-id: me',
  'display-name: Me',
  'validation: unproven',
  'timestamp: 2024-01-01T00:00:00Z',
  `sign-key-sha3-384: ${key.keyId}`,
].join('\n');

interface Shape {
  readonly version?: number;
  readonly algorithm?: number;
  readonly hash?: number;
  readonly hashed?: readonly number[];
  readonly unhashed?: readonly number[];
  readonly digestStart?: Uint8Array;
  readonly signature?: (signature: Uint8Array) => Uint8Array;
  readonly packet?: (packet: Uint8Array) => Uint8Array;
}

/** An account signed with a signature packet of any shape. */
function account(shape: Shape) {
  const { version = 4, algorithm = 1, hash = 10, hashed = TIME, unhashed = [] } = shape;
  const head = Uint8Array.of(version, 0, algorithm, hash, 0, hashed.length, ...hashed);
  const suffix = concatBytes(head, Uint8Array.of(4, 0xff, 0, 0, 0, head.length));
  const signedBytes = concatBytes(utf8Bytes(content), suffix);
  const name = HASHES[hash] ?? 'sha512';
  const digest = createHash(name).update(signedBytes).digest();
  const raw = new Uint8Array(
    sign(name, signedBytes, { key: privateKey, padding: constants.RSA_PKCS1_PADDING }),
  );
  const packet = encodePacket(
    SIGNATURE_TAG,
    concatBytes(
      head,
      Uint8Array.of(0, unhashed.length, ...unhashed),
      shape.digestStart ?? digest.subarray(0, 2),
      encodeInteger(shape.signature?.(raw) ?? raw),
    ),
  );
  return decodeAssertion(`${content}\n\n${encodeArmored(shape.packet?.(packet) ?? packet)}\n`);
}

describe('signatures', () => {
  it('are taken as devices make them', () => {
    expect(() => verifySignature(account({}), key)).not.toThrow();
  });

  it('are taken as older tools make them', () => {
    const shapes: Shape[] = [
      { unhashed: ISSUER },
      { hashed: [...TIME, ...ISSUER] },
      { hash: 8 },
      { hash: 9 },
      { hashed: [...TIME, 3, 21, 10, 9] },
      { unhashed: [2, 100, 1] },
      {
        packet: (packet) => {
          const body = packet.subarray(3);
          return concatBytes(Uint8Array.of(0x89, body.length >> 8, body.length & 0xff), body);
        },
      },
    ];
    for (const shape of shapes) expect(() => verifySignature(account(shape), key)).not.toThrow();
  });

  it('of the root that every device knows are good', () => {
    const [rootAccount, rootKey] = publicRoot();
    expect(rootAccount?.primaryKey).toEqual(['canonical']);
    if (rootAccount === undefined || rootKey === undefined) return;
    for (const one of [rootAccount, rootKey]) {
      expect(() => verifySignature(one, publicKeyOf(rootKey))).not.toThrow();
      expect(() => verifySignature(one, key)).toThrow(expect.objectContaining({ code: 'signature-invalid' }));
    }
  });

  it.each<[string, Shape]>([
    ['a wrong start of the digest', { digestStart: Uint8Array.of(0, 0) }],
    ['another number', { signature: (raw) => raw.toReversed() }],
    ['a number that is too long', { signature: (raw) => concatBytes(Uint8Array.of(1), raw) }],
    ['no number', { signature: () => new Uint8Array() }],
  ])('with %s do not fit', (_, shape) => {
    expect(() => verifySignature(account(shape), key)).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    );
  });

  it.each<[string, Shape]>([
    ['of version 3', { version: 3 }],
    ['of another algorithm', { algorithm: 17 }],
    ['with a weak hash', { hash: 2 }],
    ['with an unknown hash', { hash: 99 }],
    ['without a creation time', { hashed: [] }],
    ['with a creation time of the wrong length', { hashed: [4, 2, 1, 2, 3] }],
    ['with a creation time outside the hashed part', { hashed: TIME, unhashed: TIME }],
    ['with an issuer of the wrong length', { unhashed: [3, 16, 1, 2] }],
    ['with an empty subpacket', { unhashed: [0] }],
    ['with a subpacket that ends early', { unhashed: [9, 16, 1] }],
    ['with a critical subpacket that nobody knows', { hashed: [...TIME, 2, 0x80 | 100, 1] }],
    [
      'in another kind of packet',
      { packet: (packet) => concatBytes(Uint8Array.of(0xc6), packet.subarray(1)) },
    ],
    ['followed by other bytes', { packet: (packet) => concatBytes(packet, Uint8Array.of(1)) }],
    ['cut short', { packet: (packet) => packet.subarray(0, 40) }],
  ])('%s are refused', (_, shape) => {
    expect(() => verifySignature(account(shape), key)).toThrow(
      expect.objectContaining({ code: 'signature-malformed' }),
    );
  });

  it('cover every byte of the content', () => {
    const good = account({});
    const text = Buffer.from(good.bytes).toString();
    for (const [from, to] of [
      ['display-name: Me', 'display-name: You'],
      ['unproven', 'verified'],
      ['2024', '2025'],
    ] as const) {
      const changed = decodeAssertion(text.replace(from, to));
      expect(() => verifySignature(changed, key)).toThrow(
        expect.objectContaining({ code: 'signature-invalid' }),
      );
    }
  });
});
