import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { writeAll } from './cached-writing.ts';
import { FILE_BLOCK_BYTES, giveBack, openPastCache, takeBlock, wrotePastCache } from './file-blocks.ts';
import { asError } from './in-flight.ts';

/** Blocks that are filled while another is written. */
const BLOCKS = 3;
/** Bytes in the kernel's cache after which the disk is set to work on them. */
const SYNC_EVERY = 32 * 2 ** 20;

/**
 * Writes a file that lasts, front to back beside whatever else is done: whole blocks past the kernel's cache, one after the other. What
 * goes through the cache all the same is taken by the disk early: the kernel would keep it for half a minute, and all of it would be
 * waited for at the end.
 */
export class FileWriting {
  readonly #path: string;
  readonly #file: FileHandle;
  #pastCache: Promise<FileHandle | undefined> | undefined;
  /** Where the block in hand begins, and how much of it is there. */
  #start = 0;
  #filled = 0;
  #block: Buffer | undefined;
  #blocks = 0;
  readonly #idle: Buffer[] = [];
  #filling: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #unsynced = 0;
  /** A disk tells of a failure once, to whoever asks first. */
  #failure: Error | undefined;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Makes the file, or empties one that is there. */
  static async open(path: string, mode: number): Promise<FileWriting> {
    return new FileWriting(path, await open(path, 'w', mode));
  }

  /**
   * Appends pieces that must stay as they are until this resolves, which is when they are copied. Calls need not wait for each other.
   * Throws what an earlier write failed with.
   */
  write(...pieces: readonly Uint8Array[]): Promise<void> {
    this.#filling = this.#filling.then(() => this.#fill(pieces));
    this.#filling.catch(() => undefined);
    return this.#filling;
  }

  /** Waits for all writes. */
  async written(): Promise<void> {
    await this.#filling;
    this.#writeBlock();
    await this.#writing;
    this.#throwFailure();
  }

  /** Waits for all writes, and until they are safe on the disk. */
  async sync(): Promise<void> {
    await this.written();
    await this.#syncing;
    this.#throwFailure();
    await this.#file.datasync();
  }

  /** Closes the file, once nothing is under way any more; what was not synced may be lost. */
  async close(): Promise<void> {
    await this.written().catch(() => undefined);
    await this.#syncing;
    for (const block of this.#idle.splice(0)) giveBack(block);
    const pastCache = await this.#pastCache?.catch(() => undefined);
    await pastCache?.close();
    await this.#file.close();
  }

  async #fill(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      for (let from = 0; from < bytes.length;) {
        this.#throwFailure();
        const block = (this.#block ??= await this.#nextBlock());
        // Blocks begin at multiples of their size, also behind one that was written before it was full.
        const room = FILE_BLOCK_BYTES - ((this.#start + this.#filled) % FILE_BLOCK_BYTES);
        const count = bytes.copy(block, this.#filled, from, from + room);
        this.#filled += count;
        from += count;
        if (count === room) this.#writeBlock();
      }
    }
  }

  async #nextBlock(): Promise<Buffer> {
    if (this.#idle.length === 0 && this.#blocks < BLOCKS) {
      this.#blocks += 1;
      return takeBlock();
    }
    if (this.#idle.length === 0) await this.#writing;
    const block = this.#idle.pop();
    if (block === undefined) throw new TypeError('internal error: all writes ended and no block is idle');
    return block;
  }

  /** Sets the disk to work on what the block in hand holds. */
  #writeBlock(): void {
    const block = this.#block;
    if (block === undefined) return;
    const bytes = block.subarray(0, this.#filled);
    const at = this.#start;
    this.#start += this.#filled;
    [this.#block, this.#filled] = [undefined, 0];
    this.#writing = this.#writing
      .then(() => (this.#failure === undefined ? this.#writeAt(bytes, at) : undefined))
      .catch((error: unknown) => {
        this.#failure ??= asError(error);
      })
      .then(() => {
        this.#idle.push(block);
      });
  }

  async #writeAt(bytes: Buffer, position: number): Promise<void> {
    if (bytes.length === FILE_BLOCK_BYTES) {
      const pastCache = await (this.#pastCache ??= openPastCache(this.#path, constants.O_WRONLY));
      if (pastCache && (await wrotePastCache(pastCache, bytes, position))) return;
      await pastCache?.close();
      this.#pastCache = Promise.resolve(undefined);
    }
    await writeAll(this.#file, bytes, position);
    this.#syncEarly(bytes.length);
  }

  #syncEarly(written: number): void {
    this.#unsynced += written;
    if (this.#syncing !== undefined || this.#unsynced < SYNC_EVERY) return;
    this.#unsynced = 0;
    this.#syncing = this.#file
      .datasync()
      .catch((error: unknown) => {
        this.#failure ??= asError(error);
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
