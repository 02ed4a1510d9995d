import { PublisherError } from './errors.ts';

/** One field of a V1 macaroon: a short ASCII name and any bytes. */
export interface Packet {
  readonly name: string;
  readonly value: Uint8Array;
}

const LENGTH_DIGITS = 4;
const MAX_PACKET_BYTES = 0xffff;
const MAX_PACKETS = 256;
const PACKET_LENGTH = /^[0-9a-f]{4}$/;

/** The most bytes that a decoded macaroon may have; larger ones are refused unread. */
export const MAX_MACAROON_BYTES = 16 * 1024;

/**
 * The V1 binary form: each packet is four lower-case hex digits (its whole length), name, space, value, line feed.
 * Source: protocol/publishers.md, section 0, trap 2.
 */
export function encodePackets(packets: readonly Packet[]): Uint8Array {
  return Buffer.concat(packets.map(encodePacket));
}

/**
 * Reads the V1 binary form strictly: lengths must fit, nothing may follow, and no upper-case or signed digits.
 *
 * @throws PublisherError `macaroon-malformed`
 */
export function decodePackets(bytes: Uint8Array): Packet[] {
  if (bytes.length > MAX_MACAROON_BYTES) throw malformed(`it is larger than ${MAX_MACAROON_BYTES} bytes`);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packets: Packet[] = [];
  for (let offset = 0; offset < buffer.length;) {
    if (packets.length === MAX_PACKETS) throw malformed(`it has more than ${MAX_PACKETS} fields`);
    const digits = buffer.toString('latin1', offset, offset + LENGTH_DIGITS);
    if (!PACKET_LENGTH.test(digits)) throw malformed('a field has no length');
    const end = offset + Number.parseInt(digits, 16);
    if (end > buffer.length) throw malformed('a field is cut short');
    packets.push(decodePacket(buffer.subarray(offset + LENGTH_DIGITS, end)));
    offset = end;
  }
  return packets;
}

/** The error for a text that is no macaroon; `why` completes "cannot read the macaroon: …". */
export function malformed(why: string): PublisherError {
  return new PublisherError('invalid', 'macaroon-malformed', `cannot read the macaroon: ${why}`);
}

function encodePacket({ name, value }: Packet): Uint8Array {
  const length = LENGTH_DIGITS + name.length + 1 + value.length + 1;
  if (length > MAX_PACKET_BYTES) throw malformed(`the field ${name} is too long`);
  const head = `${length.toString(16).padStart(LENGTH_DIGITS, '0')}${name} `;
  return Buffer.concat([Buffer.from(head, 'latin1'), value, Buffer.from('\n')]);
}

function decodePacket(body: Buffer): Packet {
  const space = body.indexOf(0x20);
  if (space <= 0 || body.at(-1) !== 0x0a || space > body.length - 2)
    throw malformed('a field has no name or no end');
  return { name: body.toString('latin1', 0, space), value: new Uint8Array(body.subarray(space + 1, -1)) };
}
