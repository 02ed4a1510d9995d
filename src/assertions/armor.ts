import { AssertionError, type AssertionErrorCode } from './errors.ts';

/** Columns of the base64 lines (protocol/devices.md 6.2). */
const COLUMNS = 76;
const VERSION = 1;

/** A packet as base64 lines of 76 columns with the version byte in front; no line end at the end. */
export function encodeArmored(packet: Uint8Array): string {
  const flat = Buffer.concat([Uint8Array.of(VERSION), packet]).toString('base64');
  const lines: string[] = [];
  for (let at = 0; at < flat.length; at += COLUMNS) lines.push(flat.slice(at, at + COLUMNS));
  return lines.join('\n');
}

/**
 * The packet inside base64 lines; line ends may be anywhere.
 * @throws AssertionError with the given code
 */
export function decodeArmored(text: string, what: string, code: AssertionErrorCode): Uint8Array {
  const flat = text.replace(/[\r\n]/g, '');
  if (flat === '' || flat.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(flat)) {
    throw new AssertionError(code, `cannot read the ${what}: it is not base64`);
  }
  const bytes = new Uint8Array(Buffer.from(flat, 'base64'));
  if (bytes[0] !== VERSION) {
    throw new AssertionError(code, `cannot read the ${what}: its encoding is not version ${VERSION}`);
  }
  return bytes.subarray(1);
}
