import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { FILE_BLOCK_BYTES, giveBack, openPastCache, readPastCache, takeBlock } from './file-blocks.ts';

/** A block of the file, once it is there. */
interface Loaded {
  readonly start: number;
  readonly block: Buffer;
  readonly length: number;
}

/**
 * Reads a file that is read once, front to back: whole blocks past the kernel's cache, one of them ahead. A file of less than a block comes
 * through the cache.
 */
export class FileReading {
  readonly #file: FileHandle;
  #pastCache: FileHandle | undefined;
  #current: Loaded | undefined;
  #ahead: { readonly start: number; readonly loading: Promise<Loaded> } | undefined;

  private constructor(file: FileHandle, pastCache: FileHandle | undefined) {
    this.#file = file;
    this.#pastCache = pastCache;
  }

  /** Opens the file. */
  static async open(path: string): Promise<FileReading> {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const isPast = size >= FILE_BLOCK_BYTES;
      return new FileReading(file, isPast ? await openPastCache(path, constants.O_RDONLY) : undefined);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Copies bytes from a place of the file on into memory: as many as are at hand, at most `memory.length`, none at its end. */
  async read(memory: Buffer, position: number): Promise<number> {
    const start = position - (position % FILE_BLOCK_BYTES);
    const { block, length } = await this.#loaded(start);
    return block.copy(memory, 0, Math.min(position - start, length), length);
  }

  /** Closes the file, once nothing is under way any more. */
  async close(): Promise<void> {
    await this.#forgetAhead();
    this.#forgetCurrent();
    await this.#pastCache?.close();
    await this.#file.close();
  }

  async #loaded(start: number): Promise<Loaded> {
    if (this.#current?.start === start) return this.#current;
    if (this.#ahead?.start !== start) await this.#forgetAhead();
    const loading = this.#ahead?.loading ?? this.#load(start);
    this.#ahead = undefined;
    this.#forgetCurrent();
    const loaded = await loading;
    this.#current = loaded;
    if (loaded.length === FILE_BLOCK_BYTES) {
      const next = start + FILE_BLOCK_BYTES;
      const ahead = { start: next, loading: this.#load(next) };
      ahead.loading.catch(() => undefined);
      this.#ahead = ahead;
    }
    return loaded;
  }

  async #load(start: number): Promise<Loaded> {
    const block = takeBlock();
    try {
      return { start, block, length: await this.#fill(block, start) };
    } catch (error) {
      giveBack(block);
      throw error;
    }
  }

  async #fill(block: Buffer, start: number): Promise<number> {
    let length = await this.#fillPastCache(block, start);
    // What is missing then is behind the end of the file, or comes through the cache.
    for (let isEnd = false; !isEnd && length < block.length;) {
      const { bytesRead } = await this.#file.read(block, length, block.length - length, start + length);
      length += bytesRead;
      isEnd = bytesRead === 0;
    }
    return length;
  }

  async #fillPastCache(block: Buffer, start: number): Promise<number> {
    const found = this.#pastCache && (await readPastCache(this.#pastCache, block, start));
    if (found !== undefined) return found;
    await this.#pastCache?.close();
    this.#pastCache = undefined;
    return 0;
  }

  async #forgetAhead(): Promise<void> {
    const loaded = await this.#ahead?.loading.catch(() => undefined);
    this.#ahead = undefined;
    if (loaded !== undefined) giveBack(loaded.block);
  }

  #forgetCurrent(): void {
    if (this.#current !== undefined) giveBack(this.#current.block);
    this.#current = undefined;
  }
}
