import { isUtf8 } from 'node:buffer';

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/** The text of well-formed UTF-8; undefined for any other bytes. A byte order mark stays part of the text. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? DECODER.decode(bytes) : undefined;
}

/** Whether the bytes are well-formed UTF-8. */
export function isUtf8Bytes(bytes: Uint8Array): boolean {
  return isUtf8(bytes);
}

/** The UTF-8 bytes of a text. */
export function utf8Bytes(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** Order of two names by their bytes; names are ASCII, so code units are bytes. */
export function compareBytewise(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** All parts one after another. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Position of two line ends in a row at or after `from`; -1 when there are none. */
export function indexOfBlankLine(bytes: Uint8Array, from: number): number {
  return asBuffer(bytes).indexOf('\n\n', from, 'latin1');
}

/** Position of the last two line ends in a row; -1 when there are none. */
export function lastIndexOfBlankLine(bytes: Uint8Array): number {
  return asBuffer(bytes).lastIndexOf('\n\n', undefined, 'latin1');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
