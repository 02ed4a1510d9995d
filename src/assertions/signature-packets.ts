import { encodeInteger, encodePacket, PacketReader, readPacket, SIGNATURE_TAG } from './packets.ts';
import { hashByNumber, type SignatureHash } from './signature-hashes.ts';
import { concatBytes } from './text-bytes.ts';

/** A version 4 signature packet, as far as verifying needs it. */
export interface SignaturePacket {
  readonly hash: SignatureHash;
  /** When the signer says that it signed; not the assertion's timestamp. */
  readonly signedAt: Date;
  /** What is hashed after the content: the packet's hashed part and its trailer. */
  readonly suffix: Uint8Array;
  /** First two bytes of the digest. */
  readonly digestStart: Uint8Array;
  /** RSA signature, big-endian, perhaps without leading zeros. */
  readonly signature: Uint8Array;
}

const VERSION = 4;
const RSA = 1;
const SHA512_NUMBER = 10;
const CREATION_TIME = 2;
const ISSUER = 16;
const CRITICAL = 0x80;

/**
 * What is hashed after the content when signing at a given time: binary document, RSA, SHA-512, the creation time
 * alone in the hashed part, then the trailer with the length of all that (protocol/devices.md 6.2).
 */
export function signatureSuffix(signedAt: Date): Uint8Array {
  return withTrailer(signatureHead(signedAt));
}

/** The signature packet of a raw RSA signature over content and suffix. */
export function encodeSignaturePacket(signedAt: Date, digest: Uint8Array, signature: Uint8Array): Uint8Array {
  const unhashed = Uint8Array.of(0, 0);
  return encodePacket(
    SIGNATURE_TAG,
    concatBytes(signatureHead(signedAt), unhashed, digest.subarray(0, 2), encodeInteger(signature)),
  );
}

/**
 * Reads a signature packet: ours, and older ones with an issuer in the unhashed part.
 * @throws AssertionError `signature-malformed`
 */
export function readSignaturePacket(bytes: Uint8Array): SignaturePacket {
  const { tag, content } = readPacket(bytes, 'signature', 'signature-malformed');
  const reader = new PacketReader(content, 'signature', 'signature-malformed');
  if (tag !== SIGNATURE_TAG) throw reader.fail('it is another kind of packet');
  const start = reader.take(6);
  if (start[0] !== VERSION) throw reader.fail('it is not a version 4 packet');
  if (start[2] !== RSA) throw reader.fail('it is not an RSA signature');
  const hash = hashByNumber(start[3] ?? 0);
  if (hash === undefined) throw reader.fail('its hash is neither SHA-256, SHA-384 nor SHA-512');
  const hashed = reader.take((start[4] ?? 0) * 256 + (start[5] ?? 0));
  const signedAt = readSubpackets(reader.reader(hashed), true);
  if (signedAt === undefined) throw reader.fail('it has no creation time');
  readSubpackets(reader.reader(reader.take(reader.uint(2))), false);
  const digestStart = reader.take(2);
  return {
    hash,
    signedAt,
    suffix: withTrailer(concatBytes(start, hashed)),
    digestStart,
    signature: reader.integer(),
  };
}

/** Walks the subpackets of one part, refuses what it must, and gives the creation time when it is there. */
function readSubpackets(reader: PacketReader, isHashed: boolean): Date | undefined {
  let signedAt: Date | undefined;
  while (reader.left > 0) {
    const subpacket = reader.reader(reader.take(subpacketLength(reader)));
    if (subpacket.left === 0) throw reader.fail('it has an empty subpacket');
    const type = subpacket.uint(1);
    switch (type & ~CRITICAL) {
      case CREATION_TIME:
        if (!isHashed || subpacket.left !== 4) throw reader.fail('its creation time is misplaced');
        signedAt = new Date(subpacket.uint(4) * 1000);
        break;
      case ISSUER:
        if (subpacket.left !== 8) throw reader.fail('its issuer has a wrong length');
        break;
      default:
        if ((type & CRITICAL) !== 0)
          throw reader.fail(`it needs subpacket ${type & ~CRITICAL} to be understood`);
    }
  }
  return signedAt;
}

function subpacketLength(reader: PacketReader): number {
  const first = reader.uint(1);
  if (first < 192) return first;
  if (first < 255) return (first - 192) * 256 + reader.uint(1) + 192;
  return reader.uint(4);
}

function signatureHead(signedAt: Date): Uint8Array {
  const seconds = Math.floor(signedAt.getTime() / 1000);
  const time = Uint8Array.of(seconds >>> 24, (seconds >> 16) & 0xff, (seconds >> 8) & 0xff, seconds & 0xff);
  return concatBytes(Uint8Array.of(VERSION, 0, RSA, SHA512_NUMBER, 0, 6, 5, CREATION_TIME), time);
}

function withTrailer(head: Uint8Array): Uint8Array {
  const length = head.length;
  const trailer = Uint8Array.of(
    VERSION,
    0xff,
    length >>> 24,
    (length >> 16) & 0xff,
    (length >> 8) & 0xff,
    length & 0xff,
  );
  return concatBytes(head, trailer);
}
