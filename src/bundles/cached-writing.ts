import { open, type FileHandle } from 'node:fs/promises';

/**
 * Writes a file that is read again at once and does not last: through the kernel's cache, from where the bytes are, one piece after the
 * other. No disk is waited for.
 */
export class CachedWriting {
  readonly #file: FileHandle;
  #position: number;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, position: number) {
    this.#file = file;
    this.#position = position;
  }

  /** Opens a new file, or goes on at `position` with one that is there. */
  static async open(
    path: string,
    { mode, position }: { readonly mode: number; readonly position: number },
  ): Promise<CachedWriting> {
    return new CachedWriting(await open(path, position === 0 ? 'w' : 'r+', mode), position);
  }

  /** Appends bytes that must stay as they are until this resolves. Calls need not wait for each other. */
  write(bytes: Uint8Array): Promise<void> {
    const at = this.#position;
    this.#position += bytes.byteLength;
    this.#writing = this.#writing.then(() => writeAll(this.#file, bytes, at));
    this.#writing.catch(() => undefined);
    return this.#writing;
  }

  /** Waits for all writes. */
  written(): Promise<void> {
    return this.#writing;
  }

  /** Closes the file, once nothing is under way any more. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#file.close();
  }
}

/** Writes all of the bytes: a disk may take less than it is given. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let from = 0; from < bytes.length;)
    from += (await file.write(bytes, from, bytes.length - from, position + from)).bytesWritten;
}
