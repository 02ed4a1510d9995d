import { crc32 } from 'node:zlib';
import type { FileWriting } from './file-writing.ts';
import { BLOCK_HEADER, BLOCK_MAX } from './stored-blocks.ts';

/** RFC 1952: deflate, no flags, no time, made on Unix. The same content makes the same file. */
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);
/** An empty last block: how long the data are is then never asked before their end. */
const LAST_BLOCK = Uint8Array.of(1, 0, 0, 0xff, 0xff);
/** Small pieces are gathered up to this size. */
const GATHERED_MAX = 2 ** 20;

/**
 * Writes a gzip file of stored blocks: snaps are compressed already, so gzip only frames them, and zlib would copy every byte
 * twice to do so. Each `body` begins a block of its own and fills every block but the last: so who reads can compute where the
 * next member begins.
 */
export class StoredGzip {
  readonly #file: FileWriting;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #crc = 0;
  #size = 0;

  constructor(file: FileWriting) {
    this.#file = file;
    void this.#file.write(GZIP_HEADER).catch(() => undefined);
  }

  /** Adds bytes that are not changed afterwards: headers, padding, small members. */
  async add(bytes: Uint8Array): Promise<void> {
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= GATHERED_MAX) await this.#flush();
  }

  /**
   * Adds a piece of a large member: a multiple of BLOCK_MAX bytes, or its end. Resolves when it is written; calls need not wait for each
   * other.
   */
  body(bytes: Uint8Array): Promise<void> {
    const gathered = this.#flush();
    return Promise.all([gathered, this.#blocks(bytes)]).then(() => undefined);
  }

  /** Ends the file, and waits until it is safe on the disk. */
  async finish(): Promise<void> {
    await this.#flush();
    const trailer = new DataView(new ArrayBuffer(8));
    trailer.setUint32(0, this.#crc, true);
    trailer.setUint32(4, this.#size % 2 ** 32, true);
    await this.#file.write(LAST_BLOCK, new Uint8Array(trailer.buffer));
    await this.#file.sync();
  }

  #flush(): Promise<void> {
    if (this.#gatheredBytes === 0) return Promise.resolve();
    const bytes = Buffer.concat(this.#gathered);
    [this.#gathered, this.#gatheredBytes] = [[], 0];
    return this.#blocks(bytes);
  }

  #blocks(bytes: Uint8Array): Promise<void> {
    this.#crc = crc32(bytes, this.#crc);
    this.#size += bytes.length;
    const pieces: Uint8Array[] = [];
    for (let from = 0; from < bytes.length; from += BLOCK_MAX) {
      const block = bytes.subarray(from, from + BLOCK_MAX);
      pieces.push(blockHeader(block.length), block);
    }
    return this.#file.write(...pieces);
  }
}

function blockHeader(length: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(BLOCK_HEADER));
  header.setUint16(1, length, true);
  header.setUint16(3, ~length & 0xffff, true);
  return new Uint8Array(header.buffer);
}
