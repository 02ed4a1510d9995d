import type { FileHandle } from 'node:fs/promises';
import { ArchiveFault } from './archive-failures.ts';
import type { FileReading } from './file-reading.ts';
import type { Chunk, Slot, SlotRing } from './slot-ring.ts';

/** A stored block of deflate (RFC 1951, 3.2.4): one byte of flags, then length and its complement, two bytes each. */
export const BLOCK_HEADER = 5;
/** Bytes that one stored block can hold. */
export const BLOCK_MAX = 0xffff;

/** What the header of a block says; undefined when it is a block of another kind. */
export type StoredBlock = { readonly length: number; readonly last: boolean };

/**
 * Reads the header of a block that begins with a byte, as the first block does and every one that follows a stored one.
 * @throws ArchiveFault
 */
function readBlockHeader(bytes: Uint8Array, at = 0): StoredBlock | undefined {
  const [flags = 0, low = 0, high = 0, lowInverse = 0, highInverse = 0] = bytes.subarray(
    at,
    at + BLOCK_HEADER,
  );
  if ((flags & 0b110) !== 0) return undefined;
  const length = low | (high << 8);
  if ((length ^ (lowInverse | (highInverse << 8))) !== 0xffff) throw new ArchiveFault('damaged');
  return { length, last: (flags & 1) === 1 };
}

/**
 * Unpacks deflate data of stored blocks alone, which is what archives of snaps are made of: those are compressed already. All
 * that is left to do in the ring is to close the gaps that the headers of blocks leave.
 */
export class StoredBlocks {
  readonly #file: FileHandle;
  readonly #reading: FileReading;
  readonly #ring: SlotRing;
  #slot: Slot | undefined;
  /** What is not unpacked yet of the slot. */
  #from = 0;
  #to = 0;
  /** Where in the file the byte at `#from` is. */
  #position: number;
  #leftOfBlock = 0;
  #last = false;

  /**
   * @param file for looks ahead, which may be anywhere
   * @param reading the same file, for what is read from front to back
   */
  constructor(
    { file, reading }: { readonly file: FileHandle; readonly reading: FileReading },
    ring: SlotRing,
    start: number,
  ) {
    this.#file = file;
    this.#reading = reading;
    this.#ring = ring;
    this.#position = start;
  }

  /** Where in the file the bytes are that come next. */
  get position(): number {
    return this.#position;
  }

  /**
   * From one byte to `limit` of those that come next; undefined at the end, `compressed` before a block of another kind.
   * @throws ArchiveFault
   */
  async take(limit: number): Promise<Chunk | 'compressed' | undefined> {
    for (;;) {
      const found = this.#unpack(limit);
      if (found !== undefined) return found;
      if (this.#last && this.#leftOfBlock === 0) return undefined;
      await this.#fill();
    }
  }

  /**
   * Passes over `count` bytes without reading them, and tells whether it could: blocks are taken to be as long as they can be
   * and to end where the bytes do, as our own writer makes them. `recognise` is shown `ahead` of the bytes behind them; when
   * they are not what must be there, nothing was passed over.
   */
  async jump(count: number, ahead: number, recognise: (bytes: Uint8Array) => boolean): Promise<boolean> {
    const behindBlock = count - this.#leftOfBlock;
    if (behindBlock < 0) return false;
    const target = this.#position + count + BLOCK_HEADER * Math.ceil(behindBlock / BLOCK_MAX);
    const probe = Buffer.alloc(BLOCK_HEADER + ahead);
    const { bytesRead } = await this.#file.read(probe, 0, probe.length, target);
    if (bytesRead < probe.length || !holds(probe, ahead) || !recognise(probe.subarray(BLOCK_HEADER)))
      return false;
    this.close();
    this.#position = target;
    this.#leftOfBlock = 0;
    return true;
  }

  /** Gives the slot back. */
  close(): void {
    this.#slot?.release();
    this.#slot = undefined;
    this.#from = this.#to = 0;
  }

  #unpack(limit: number): Chunk | 'compressed' | undefined {
    const slot = this.#slot;
    if (slot === undefined) return undefined;
    const start = this.#from;
    let end = start;
    while (end - start < limit) {
      if (this.#leftOfBlock === 0) {
        if (this.#last || this.#to - this.#from < BLOCK_HEADER) break;
        const block = readBlockHeader(slot.memory, this.#from);
        if (block === undefined) return end === start ? 'compressed' : slot.share(start, end);
        this.#advance(BLOCK_HEADER);
        this.#leftOfBlock = block.length;
        this.#last = block.last;
      }
      const count = Math.min(this.#leftOfBlock, this.#to - this.#from, limit - (end - start));
      if (count === 0 && this.#leftOfBlock > 0) break;
      slot.memory.copy(slot.memory, end, this.#from, this.#from + count);
      end += count;
      this.#advance(count);
      this.#leftOfBlock -= count;
    }
    return end === start ? undefined : slot.share(start, end);
  }

  /** Reads on from where the last slot was unpacked to; a header that it cut in two is read again. */
  async #fill(): Promise<void> {
    this.close();
    const slot = await this.#ring.take();
    this.#slot = slot;
    const needed = this.#leftOfBlock === 0 ? BLOCK_HEADER : 1;
    while (this.#to < needed) {
      const memory = slot.memory.subarray(this.#to);
      const bytesRead = await this.#reading.read(memory, this.#position + this.#to);
      if (bytesRead === 0) throw new ArchiveFault('truncated');
      this.#to += bytesRead;
    }
  }

  #advance(bytes: number): void {
    this.#from += bytes;
    this.#position += bytes;
  }
}

/** Whether a stored block begins here that holds so many bytes. */
function holds(bytes: Uint8Array, count: number): boolean {
  try {
    const block = readBlockHeader(bytes);
    return block !== undefined && block.length >= count;
  } catch {
    return false;
  }
}
