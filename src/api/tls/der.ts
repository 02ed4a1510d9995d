/** The few forms of DER (X.690) that a certificate is written with. */

/** A value with its tag and length. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const hex = length.toString(16);
  const size = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, content]);
}

/** SEQUENCE of values in this order. */
export const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
/** SET of one value. */
export const setOf = (part: Uint8Array) => der(0x31, part);
/** A context-specific tag around whole values. */
export const explicit = (number: number, ...parts: readonly Uint8Array[]) => der(0xa0 | number, ...parts);
/** A context-specific tag in place of a string's own. */
export const implicit = (number: number, content: Uint8Array) => der(0x80 | number, content);
export const octets = (content: Uint8Array) => der(0x04, content);
export const utf8 = (text: string) => der(0x0c, Buffer.from(text, 'utf8'));
export const yes = () => der(0x01, Buffer.from([0xff]));
/** BIT STRING with so many bits of its last byte unused. */
export const bits = (content: Uint8Array, unused = 0) => der(0x03, Buffer.from([unused]), content);

/** INTEGER of a positive number, big-endian. */
export function integer(bytes: Uint8Array): Uint8Array {
  // A first bit that is set would make it negative.
  return der(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), bytes);
}

/** OBJECT IDENTIFIER of its dotted form. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const septets = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return der(0x06, Buffer.from(bytes));
}

/** A moment, as RFC 5280 wants it: UTCTime until 2049, then GeneralizedTime; whole seconds. */
export function time(at: Date): Uint8Array {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return at.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(digits.slice(2), 'latin1'))
    : der(0x18, Buffer.from(digits, 'latin1'));
}
