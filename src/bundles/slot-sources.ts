import { open } from 'node:fs/promises';
import { FileReading } from './file-reading.ts';
import type { Chunk, Slot, Slots } from './slot-ring.ts';

/**
 * Gathers what a stream brings in slots of the ring, each full but the last; every one must be released. When the stream breaks,
 * what it brought comes before its failure.
 */
export async function* slotsOf(source: AsyncIterable<unknown>, ring: Slots): AsyncIterable<Chunk> {
  let slot: Slot | undefined;
  let filled = 0;
  const gathered = (): Chunk[] => {
    const found =
      slot && filled > 0 ? [{ bytes: slot.memory.subarray(0, filled), release: slot.release }] : [];
    [slot, filled] = [undefined, 0];
    return found;
  };
  try {
    for await (const bytes of source) {
      if (!(bytes instanceof Uint8Array))
        throw new TypeError('internal error: a stream that is not of bytes');
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let from = 0; from < chunk.length;) {
        slot ??= await ring.take();
        const count = chunk.copy(slot.memory, filled, from);
        from += count;
        filled += count;
        if (filled === slot.memory.length) yield* gathered();
      }
    }
  } catch (error) {
    yield* gathered();
    throw error;
  }
  yield* gathered();
}

/**
 * The same of a file that is read once, by blocks of memory that are used again: a stream would make a new buffer for each piece, and those
 * keep the garbage collector busier than the disk.
 */
export async function* slotsOfFile(path: string, ring: Slots): AsyncIterable<Chunk> {
  const file = await FileReading.open(path);
  try {
    yield* slotsRead((memory, position) => file.read(memory, position), ring);
  } finally {
    await file.close();
  }
}

/**
 * The same of a file that was written a moment ago, and not to last: it is in the kernel's cache, and may be nowhere else yet. It is read straight
 * into the slots.
 */
export async function* slotsOfCachedFile(path: string, ring: Slots): AsyncIterable<Chunk> {
  const file = await open(path, 'r');
  try {
    const read = async (memory: Buffer, position: number) =>
      (await file.read(memory, 0, memory.length, position)).bytesRead;
    yield* slotsRead(read, ring);
  } finally {
    await file.close();
  }
}

/** Slots filled by a function that reads some bytes at a place, none at the end. */
async function* slotsRead(
  read: (memory: Buffer, position: number) => Promise<number>,
  ring: Slots,
): AsyncIterable<Chunk> {
  for (let position = 0; ;) {
    const { memory, release } = await ring.take();
    let filled = 0;
    let ended = false;
    while (!ended && filled < memory.length) {
      const count = await read(memory.subarray(filled), position + filled);
      filled += count;
      ended = count === 0;
    }
    position += filled;
    if (filled > 0) yield { bytes: memory.subarray(0, filled), release };
    else release();
    if (ended) return;
  }
}
