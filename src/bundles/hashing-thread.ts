import { Worker } from 'node:worker_threads';
import { z } from 'zod';

const SLOT_BYTES = 2 ** 20;
const SLOTS = 8;

const answer = z.union([z.object({ slot: z.number() }), z.object({ digest: z.string() })]);

/**
 * SHA3-384 in a thread of its own, so that unpacking and writing go on beside it: a digest needs a whole core, and all the
 * rest together about as much. Memory is a ring of eight mebibytes, whatever passes.
 */
export class HashingThread {
  readonly #worker: Worker;
  readonly #memory = new Uint8Array(new SharedArrayBuffer(SLOT_BYTES * SLOTS));
  readonly #free = Array.from({ length: SLOTS }, (_, slot) => slot);
  #waiting: PromiseWithResolvers<void> | undefined;
  #digest: PromiseWithResolvers<string> | undefined;
  #failure: Error | undefined;

  constructor() {
    this.#worker = new Worker(new URL('./hashing-worker.ts', import.meta.url), {
      workerData: { memory: this.#memory.buffer, slotBytes: SLOT_BYTES },
    });
    this.#worker.on('message', (raw: unknown) => this.#hear(raw));
    this.#worker.on('error', (error) => this.#fail(error));
  }

  /** Takes a copy of the bytes; resolves as soon as there is room for the next. */
  async update(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength; at += SLOT_BYTES) {
      const slot = await this.#slot();
      const part = chunk.subarray(at, at + SLOT_BYTES);
      this.#memory.set(part, slot * SLOT_BYTES);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
      this.#worker.postMessage({ slot, length: part.byteLength });
    }
  }

  /** The digest of all since the last one, in hexadecimal. */
  digest(): Promise<string> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#digest = Promise.withResolvers<string>();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    this.#worker.postMessage('digest');
    return this.#digest.promise;
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #slot(): Promise<number> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const slot = this.#free.pop();
      if (slot !== undefined) return slot;
      this.#waiting = Promise.withResolvers<void>();
      await this.#waiting.promise;
    }
  }

  #hear(raw: unknown): void {
    const heard = answer.parse(raw);
    if ('digest' in heard) this.#digest?.resolve(heard.digest);
    else this.#free.push(heard.slot);
    this.#waiting?.resolve();
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#digest?.reject(error);
    this.#waiting?.resolve();
  }
}
