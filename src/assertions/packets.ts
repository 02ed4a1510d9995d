import { AssertionError, type AssertionErrorCode } from './errors.ts';

/** OpenPGP packets, as far as assertions use them (RFC 4880 section 4; protocol/devices.md 6.2). */
export interface Packet {
  readonly tag: number;
  readonly content: Uint8Array;
}

export const SIGNATURE_TAG = 2;
export const PUBLIC_KEY_TAG = 6;
export const PUBLIC_SUBKEY_TAG = 14;

/** Reads numbers off the front of bytes; every read beyond the end throws with the given code. */
export class PacketReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #code: AssertionErrorCode;
  #at = 0;

  constructor(bytes: Uint8Array, what: string, code: AssertionErrorCode) {
    this.#bytes = bytes;
    this.#what = what;
    this.#code = code;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  fail(detail: string): AssertionError {
    return new AssertionError(this.#code, `cannot read the ${this.#what}: ${detail}`);
  }

  take(count: number): Uint8Array {
    if (count > this.left) throw this.fail('it ends early');
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }

  /** At most this many bytes. */
  takeUpTo(count: number): Uint8Array {
    return this.take(Math.min(count, this.left));
  }

  uint(size: 1 | 2 | 4): number {
    return this.take(size).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** A multi-precision integer: its length in bits, then big-endian bytes. */
  integer(): Uint8Array {
    return this.take(Math.ceil(this.uint(2) / 8));
  }

  reader(bytes: Uint8Array): PacketReader {
    return new PacketReader(bytes, this.#what, this.#code);
  }
}

/**
 * The one packet that the bytes hold, with an old or a new header. Devices take what a packet holds beyond its fields,
 * and a declared length beyond the end, without complaint; so do we. They refuse bytes after the packet.
 */
export function readPacket(bytes: Uint8Array, what: string, code: AssertionErrorCode): Packet {
  const reader = new PacketReader(bytes, what, code);
  const first = reader.uint(1);
  if ((first & 0x80) === 0) throw reader.fail('it is not an OpenPGP packet');
  const isNew = (first & 0x40) !== 0;
  const tag = isNew ? first & 0x3f : (first & 0x3f) >> 2;
  const content = isNew ? newContent(reader) : oldContent(reader, first & 3);
  if (reader.left > 0) throw reader.fail('there are bytes after it');
  return { tag, content };
}

/** A packet with a new-format header. */
export function encodePacket(tag: number, content: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([Uint8Array.of(0xc0 | tag), encodeLength(content.length), content]));
}

/** A multi-precision integer without leading zeros. */
export function encodeInteger(bigEndian: Uint8Array): Uint8Array {
  const first = bigEndian.findIndex((byte) => byte !== 0);
  const bytes = first === -1 ? new Uint8Array() : bigEndian.subarray(first);
  const bits = bytes.length === 0 ? 0 : bytes.length * 8 - (Math.clz32(bytes[0] ?? 0) - 24);
  return new Uint8Array(Buffer.concat([Uint8Array.of(bits >> 8, bits & 0xff), bytes]));
}

function encodeLength(length: number): Uint8Array {
  if (length < 192) return Uint8Array.of(length);
  if (length < 8384) return Uint8Array.of(192 + ((length - 192) >> 8), (length - 192) & 0xff);
  return Uint8Array.of(255, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

function oldContent(reader: PacketReader, lengthType: number): Uint8Array {
  switch (lengthType) {
    case 0:
      return reader.takeUpTo(reader.uint(1));
    case 1:
      return reader.takeUpTo(reader.uint(2));
    case 2:
      return reader.takeUpTo(reader.uint(4));
    default:
      return reader.takeUpTo(reader.left);
  }
}

function newContent(reader: PacketReader): Uint8Array {
  const parts: Uint8Array[] = [];
  for (;;) {
    const { length, isPartial } = newLength(reader);
    parts.push(reader.takeUpTo(length));
    if (!isPartial || reader.left === 0) return new Uint8Array(Buffer.concat(parts));
  }
}

function newLength(reader: PacketReader): { length: number; isPartial: boolean } {
  const first = reader.uint(1);
  if (first < 192) return { length: first, isPartial: false };
  if (first < 224) return { length: (first - 192) * 256 + reader.uint(1) + 192, isPartial: false };
  if (first < 255) return { length: 2 ** (first & 0x1f), isPartial: true };
  return { length: reader.uint(4), isPartial: false };
}
