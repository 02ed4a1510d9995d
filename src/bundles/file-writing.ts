import type { FileHandle } from 'node:fs/promises';
import { asError } from './in-flight.ts';

/** Bytes after which the disk is set to work on what was written so far. */
const SYNC_EVERY = 32 * 2 ** 20;

/**
 * Writes a file front to back beside whatever else is done, one write after the other. The disk begins early to take what the
 * kernel would keep in memory for half a minute: else all of it would be waited for at the end.
 */
export class FileWriting {
  readonly #file: FileHandle;
  readonly #syncEvery: number;
  #position: number;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #unsynced = 0;
  /** A disk tells of a failure once, to whoever asks first. */
  #failure: Error | undefined;

  /** Takes over the open file; `syncEarly` is for those who wait for the disk at the end. */
  constructor(
    file: FileHandle,
    { position = 0, syncEarly = true }: { readonly position?: number; readonly syncEarly?: boolean } = {},
  ) {
    this.#file = file;
    this.#position = position;
    this.#syncEvery = syncEarly ? SYNC_EVERY : Number.POSITIVE_INFINITY;
  }

  /** Appends pieces that must stay as they are until this resolves. Calls need not wait for each other. */
  write(...pieces: readonly Uint8Array[]): Promise<void> {
    const at = this.#position;
    const size = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#position += size;
    this.#writing = this.#writing
      .then(() => writeAll(this.#file, pieces, at))
      .then(() => this.#syncEarly(size));
    this.#writing.catch(() => undefined);
    return this.#writing;
  }

  /** Waits for all writes. */
  written(): Promise<void> {
    return this.#writing;
  }

  /** Waits for all writes, and until they are safe on the disk. */
  async sync(): Promise<void> {
    await this.#writing;
    await this.#syncing;
    if (this.#failure !== undefined) throw this.#failure;
    await this.#file.datasync();
  }

  /** Closes the file, once nothing is under way any more; what was not synced may be lost. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#syncing;
    await this.#file.close();
  }

  #syncEarly(written: number): void {
    this.#unsynced += written;
    if (this.#syncing !== undefined || this.#unsynced < this.#syncEvery) return;
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
}

async function writeAll(file: FileHandle, pieces: readonly Uint8Array[], position: number): Promise<void> {
  let [rest, at] = [pieces, position];
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at);
    at += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
}

/** The pieces without the first `count` bytes: a disk may take less than it is given. */
function behind(pieces: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let rest = count;
  let first = 0;
  for (; first < pieces.length; first++) {
    const length = pieces[first]?.byteLength ?? 0;
    if (length > rest) break;
    rest -= length;
  }
  return pieces.slice(first).map((piece, n) => (n === 0 ? piece.subarray(rest) : piece));
}
