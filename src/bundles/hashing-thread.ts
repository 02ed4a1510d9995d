import { Worker } from 'node:worker_threads';
import { z } from 'zod';

const answer = z.union([z.null(), z.string()]);

/**
 * SHA3-384 in a thread of its own: a digest needs a whole core, and reading, unpacking and writing together less than half of
 * another. The bytes stay where they are, in memory that both sides see; questions are answered in their order, so that the
 * next digest may begin before the last one is there.
 */
export class HashingThread {
  readonly #worker: Worker;
  readonly #asked: PromiseWithResolvers<string | null>[] = [];
  #failure: Error | undefined;

  constructor(memory: SharedArrayBuffer) {
    this.#worker = new Worker(new URL('./hashing-worker.ts', import.meta.url), { workerData: memory });
    this.#worker.on('message', (raw: unknown) => this.#asked.shift()?.resolve(answer.parse(raw)));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the hashing thread has ended')));
  }

  /** Takes bytes that lie in the shared memory; they must stay as they are until this resolves. */
  async update(bytes: Uint8Array): Promise<void> {
    await this.#ask([bytes.byteOffset, bytes.byteLength]);
  }

  /** The digest of all since the last one, in hexadecimal. */
  async digest(): Promise<string> {
    return (await this.#ask('digest')) ?? '';
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(question: 'digest' | readonly [from: number, length: number]): Promise<string | null> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const asked = Promise.withResolvers<string | null>();
    this.#asked.push(asked);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    this.#worker.postMessage(question);
    return asked.promise;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#asked.splice(0)) reject(this.#failure);
  }
}
