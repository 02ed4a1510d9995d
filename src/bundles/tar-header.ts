import { ArchiveFault } from './archive-failures.ts';

/** Bytes of a tar header, and what every member is padded to. */
export const TAR_BLOCK = 512;

/** Types of members that the format knows (POSIX ustar, and GNU's and POSIX's headers for long values). */
const TYPES: ReadonlyMap<string, TarType> = new Map([
  ['0', 'file'],
  ['\0', 'file'],
  ['1', 'link'],
  ['2', 'symlink'],
  ['3', 'character-device'],
  ['4', 'block-device'],
  ['5', 'directory'],
  ['6', 'fifo'],
  ['7', 'contiguous-file'],
  ['x', 'pax-header'],
  ['g', 'pax-global-header'],
  ['K', 'gnu-long-link-path'],
  ['L', 'gnu-long-path'],
  ['N', 'gnu-long-path'],
]);

/** What a member is. */
export type TarType =
  | 'file'
  | 'link'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'directory'
  | 'fifo'
  | 'contiguous-file'
  | 'pax-header'
  | 'pax-global-header'
  | 'gnu-long-link-path'
  | 'gnu-long-path';

/** What a tar header says of a member; `type` is undefined for one that no known program writes. */
export interface TarHeader {
  readonly name: string;
  readonly size: number;
  readonly type: TarType | undefined;
}

/** Bytes between the end of a member of that size and the next header. */
export function paddingAfter(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

/**
 * Reads one header; undefined for the empty block that ends an archive.
 * @throws ArchiveFault `not-tar`
 */
export function decodeTarHeader(block: Uint8Array): TarHeader | undefined {
  const sum = tarChecksum(block);
  if (sum === EMPTY_SUM) return undefined;
  if (sum !== numberAt(block, 148, 8)) throw new ArchiveFault('not-tar');
  const magic = textAt(block, 257, 6);
  if (magic !== 'ustar' && magic !== 'ustar ') throw new ArchiveFault('not-tar');
  const prefix = magic === 'ustar' ? textAt(block, 345, 155) : '';
  const name = textAt(block, 0, 100);
  const type = TYPES.get(String.fromCharCode(block[156] ?? 0));
  const size = numberAt(block, 124, 12);
  if (!Number.isSafeInteger(size) || size < 0) throw new ArchiveFault('not-tar');
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size,
    // Programs older than the standard mark folders by their names.
    type: type === 'file' && name.endsWith('/') ? 'directory' : type,
  };
}

/** The records of an extended header (POSIX pax): `<length> <key>=<value>\n`. What follows a broken one is not read. */
export function decodePaxRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = space === -1 ? 0 : Number(text(bytes.subarray(at, space)));
    if (!Number.isSafeInteger(length) || length <= space - at) break;
    const record = text(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf('=');
    if (equals === -1) break;
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** The sum of a block of zeros, whose own field counts as spaces. */
const EMPTY_SUM = 8 * 0x20;

/** The sum of the bytes of a header, its own field counted as spaces. */
export function tarChecksum(block: Uint8Array): number {
  let sum = EMPTY_SUM;
  for (let at = 0; at < TAR_BLOCK; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  return sum;
}

/** A number in octal digits, or in base 256 where the first bit is set (GNU, for large files). NaN when it is neither. */
function numberAt(block: Uint8Array, at: number, length: number): number {
  const field = block.subarray(at, at + length);
  const [first = 0] = field;
  if ((first & 0x80) === 0) {
    const digits = text(field)
      .replace(/^[ \0]+/, '')
      .replace(/[ \0].*$/s, '');
    return digits === '' ? 0 : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  }
  if (first !== 0x80) return Number.NaN;
  return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
}

function textAt(block: Uint8Array, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return text(end === -1 ? field : field.subarray(0, end));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
