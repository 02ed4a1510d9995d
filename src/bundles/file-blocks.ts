import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** What is written or read at a time, at a multiple of itself: large enough that a disk is not asked often, a whole number of its blocks. */
export const FILE_BLOCK_BYTES = 2 ** 20;

/** Blocks that are kept for the next file: memory that is given back costs a virtual machine dear to get again. */
const KEPT = 24;
const kept: Buffer[] = [];

/** A block of memory that begins where a page does, as a disk needs it that reads memory by itself. */
export function takeBlock(): Buffer {
  // Only buffers that may change their size are given whole pages of their own.
  return kept.pop() ?? Buffer.from(new ArrayBuffer(FILE_BLOCK_BYTES, { maxByteLength: FILE_BLOCK_BYTES }));
}

/** Gives a block back that nobody looks at any more. */
export function giveBack(block: Buffer): void {
  if (kept.length < KEPT) kept.push(block);
}

/**
 * Opens a file once more so that whole blocks go between memory and disk past the kernel's cache; undefined where its file system, or the
 * operating system, does not have that. A file of gigabytes would else push out of memory what devices ask for, and be copied once more on its
 * way; where a virtual machine has to get memory for the cache from its host first, that costs more than a digest.
 *
 * @param access O_RDONLY or O_WRONLY
 */
export async function openPastCache(path: string, access: number): Promise<FileHandle | undefined> {
  const { O_DIRECT } = constants;
  if (O_DIRECT === undefined) return undefined;
  return open(path, access | O_DIRECT).catch(unlessNotThere);
}

/** Writes a block past the cache; false where the disk wants it another way after all. */
export async function wrotePastCache(file: FileHandle, block: Buffer, position: number): Promise<boolean> {
  const written = await file.write(block, 0, block.length, position).catch(unlessNotThere);
  return written?.bytesWritten === block.length;
}

/** Reads a block past the cache, of which the last one is shorter; undefined where the disk wants it another way after all. */
export async function readPastCache(
  file: FileHandle,
  block: Buffer,
  position: number,
): Promise<number | undefined> {
  return (await file.read(block, 0, block.length, position).catch(unlessNotThere))?.bytesRead;
}

/** What a file system says to requests past the cache that it cannot take. */
function unlessNotThere(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'EOPNOTSUPP'))
    return undefined;
  throw error;
}
