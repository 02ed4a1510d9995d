import { open, type FileHandle } from 'node:fs/promises';
import { ArchiveFault } from './archive-failures.ts';
import { BundleError } from './errors.ts';

/** Longest header that is looked at: fixed part, name and comment as archiving programs write them. */
const HEADER_MAX = 4096;
const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const;

/** Behind the deflated data: a checksum, and how much the data unpack to, modulo 2^32 (RFC 1952, 2.3.1). */
const TRAILER = 8;

/**
 * Where the deflated data of a gzip file begins.
 * @throws BundleError `bundle-unreadable`, `bundle-not-an-archive`
 */
export async function deflateStart(path: string): Promise<number> {
  const header = await readHeader(path);
  const flags = header[3] ?? 0;
  if (header.length < 10 || header[0] !== 0x1f || header[1] !== 0x8b || header[2] !== 8) throw notGzip(path);
  let at = 10;
  if (flags & FLAG.extra) at += 2 + (header.length < at + 2 ? HEADER_MAX : header.readUInt16LE(at));
  for (const flag of [FLAG.name, FLAG.comment]) if (flags & flag) at = afterZero(header, at, path);
  if (flags & FLAG.headerCrc) at += 2;
  if (at > header.length) throw notGzip(path);
  return at;
}

/**
 * Checks what follows the deflated data, of which `size` bytes were unpacked: a trailer that says the same, and no byte more. Its
 * checksum is not asked: digests of the manifest cover every byte, and unlike it they tell which member is at fault.
 * @throws ArchiveFault
 */
export async function checkTrailer(file: FileHandle, position: number, size: number): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(TRAILER + 1), 0, TRAILER + 1, position);
  if (bytesRead < TRAILER) throw new ArchiveFault('truncated');
  if (bytesRead > TRAILER || buffer.readUInt32LE(4) !== size % 2 ** 32) throw new ArchiveFault('damaged');
}

async function readHeader(path: string): Promise<Buffer> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw new BundleError('bundle-unreadable', `cannot open ${path}: check the path and its permissions`, {
      cause,
    });
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_MAX), 0, HEADER_MAX, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    throw new BundleError('bundle-unreadable', `cannot read ${path}: it is not a file`, { cause });
  } finally {
    await file.close();
  }
}

function afterZero(header: Buffer, from: number, path: string): number {
  const zero = header.indexOf(0, from);
  if (zero === -1) throw notGzip(path);
  return zero + 1;
}

function notGzip(path: string): BundleError {
  return new BundleError('bundle-not-an-archive', `cannot read ${path}: it is not a .tar.gz archive`);
}
