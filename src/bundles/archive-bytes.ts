import { open, type FileHandle } from 'node:fs/promises';
import { checkTrailer, deflateStart } from './gzip-frame.ts';
import { FileReading } from './file-reading.ts';
import { InflatedBytes } from './inflated-bytes.ts';
import type { Chunk, SlotRing } from './slot-ring.ts';
import { StoredBlocks } from './stored-blocks.ts';

/**
 * The bytes of the tar archive inside a `.tar.gz`, front to back. Stored blocks, which all that we write consists of, are read
 * directly; from the first block of another kind on zlib unpacks.
 */
export class ArchiveBytes {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #reading: FileReading;
  readonly #start: number;
  readonly #ring: SlotRing;
  readonly #stored: StoredBlocks;
  #inflated: InflatedBytes | undefined;
  #taken = 0;

  private constructor(
    path: string,
    opened: { readonly file: FileHandle; readonly reading: FileReading },
    start: number,
    ring: SlotRing,
  ) {
    this.#path = path;
    this.#file = opened.file;
    this.#reading = opened.reading;
    this.#start = start;
    this.#ring = ring;
    this.#stored = new StoredBlocks(opened, ring, start);
  }

  /** @throws BundleError `bundle-unreadable`, `bundle-not-an-archive` */
  static async open(path: string, ring: SlotRing): Promise<ArchiveBytes> {
    const start = await deflateStart(path);
    const reading = await FileReading.open(path);
    try {
      return new ArchiveBytes(path, { file: await open(path, 'r'), reading }, start, ring);
    } catch (error) {
      await reading.close();
      throw error;
    }
  }

  /**
   * From one byte to `limit` of those that come next, in one piece; undefined at the end, where the trailer of the gzip file
   * must be and then nothing.
   * @throws ArchiveFault
   */
  async take(limit: number): Promise<Chunk | undefined> {
    let found = this.#inflated === undefined ? await this.#stored.take(limit) : 'compressed';
    if (found === 'compressed') found = await this.#zlib().take(limit);
    if (typeof found === 'object') this.#taken += found.bytes.length;
    else await checkTrailer(this.#file, this.#inflated?.position ?? this.#stored.position, this.#taken);
    return found;
  }

  /** Passes over `count` bytes unread, if what follows them can be recognised where it must be (`StoredBlocks.jump`). */
  async jump(count: number, ahead: number, recognise: (bytes: Uint8Array) => boolean): Promise<boolean> {
    if (this.#inflated !== undefined) return false;
    const done = await this.#stored.jump(count, ahead, recognise);
    if (done) this.#taken += count;
    return done;
  }

  /** Closes the file. */
  async close(): Promise<void> {
    this.#inflated?.close();
    this.#stored.close();
    await this.#reading.close();
    await this.#file.close();
  }

  /** What zlib must know of earlier blocks it learns by unpacking them again: that happens once, and only with foreign archives. */
  #zlib(): InflatedBytes {
    this.#stored.close();
    this.#inflated ??= new InflatedBytes(this.#path, this.#ring, { start: this.#start, pass: this.#taken });
    return this.#inflated;
  }
}
