import { createReadStream } from 'node:fs';
import { pipeline, type TransformOptions } from 'node:stream';
import { createInflateRaw, type InflateRaw, type ZlibOptions } from 'node:zlib';
import type { Chunk, SlotRing } from './slot-ring.ts';

/** Unpacks deflate data of any kind with zlib, for archives that were packed by other programs: slower by a copy and a stream. */
export class InflatedBytes {
  readonly #ring: SlotRing;
  readonly #stream: InflateRaw;
  readonly #chunks: AsyncIterator<unknown>;
  #pending: Uint8Array = new Uint8Array();
  readonly #start: number;
  #toPass: number;

  /** Begins at byte `start` of the file, and passes over the first `pass` bytes of what is in it. */
  constructor(
    path: string,
    ring: SlotRing,
    { start, pass }: { readonly start: number; readonly pass: number },
  ) {
    this.#ring = ring;
    this.#start = start;
    this.#toPass = pass;
    const chunk = ring.slotBytes;
    const options: ZlibOptions & TransformOptions = { chunkSize: chunk, highWaterMark: chunk };
    // What goes wrong comes out of the iterator.
    this.#stream = pipeline(
      createReadStream(path, { start, highWaterMark: chunk }),
      createInflateRaw(options),
      () => undefined,
    );
    this.#chunks = this.#stream[Symbol.asyncIterator]();
  }

  /** Where in the file the bytes are that zlib did not want any more; right once all was taken. */
  get position(): number {
    return this.#start + this.#stream.bytesWritten;
  }

  /** From one byte to `limit` of those that come next; undefined at the end. */
  async take(limit: number): Promise<Chunk | undefined> {
    while (this.#pending.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      if (!(next.value instanceof Uint8Array))
        throw new TypeError('internal error: unpacked data that is not bytes');
      const passed = Math.min(this.#toPass, next.value.length);
      this.#toPass -= passed;
      this.#pending = next.value.subarray(passed);
    }
    const slot = await this.#ring.take();
    const count = Math.min(limit, this.#pending.length, slot.memory.length);
    slot.memory.set(this.#pending.subarray(0, count));
    this.#pending = this.#pending.subarray(count);
    const chunk = slot.share(0, count);
    slot.release();
    return chunk;
  }

  /** Stops reading. */
  close(): void {
    this.#stream.destroy();
  }
}
