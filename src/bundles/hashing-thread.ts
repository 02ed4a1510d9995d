import { Worker } from 'node:worker_threads';
import { z } from 'zod';

const answer = z.union([z.null(), z.string()]);

/** Threads that wait for the next digest, and how long: to start one costs as much of the processor as 20 MiB of digest. */
const KEPT = 4;
const KEPT_MS = 10_000;
const kept: HashingThread[] = [];

/**
 * SHA3-384 in a thread of its own: a digest needs a whole core, and reading, unpacking and writing together less than half of
 * another. The bytes stay where they are, in memory that both sides see; questions are answered in their order, so that the
 * next digest may begin before the last one is there.
 */
export class HashingThread {
  readonly #worker: Worker;
  readonly #asked: PromiseWithResolvers<string | null>[] = [];
  #failure: Error | undefined;
  /** Whether bytes were taken since the last digest. */
  #begun = false;
  #ending: NodeJS.Timeout | undefined;

  private constructor() {
    this.#worker = new Worker(new URL('./hashing-worker.ts', import.meta.url));
    this.#worker.on('message', (raw: unknown) => this.#asked.shift()?.resolve(answer.parse(raw)));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the hashing thread has ended')));
  }

  /** A thread for digests of what lies in some memory: one that waits, or a new one. */
  static over(memory: SharedArrayBuffer): HashingThread {
    const thread = kept.pop() ?? new HashingThread();
    clearTimeout(thread.#ending);
    thread.#worker.ref();
    thread.#tell(memory);
    return thread;
  }

  /** Takes bytes that lie in the shared memory; they must stay as they are until this resolves. */
  async update(bytes: Uint8Array): Promise<void> {
    this.#begun = true;
    await this.#ask([bytes.byteOffset, bytes.byteLength]);
  }

  /** The digest of all since the last one, in hexadecimal. */
  async digest(): Promise<string> {
    this.#begun = false;
    return (await this.#ask('digest')) ?? '';
  }

  /** Ends the thread; one that is at the end of a digest waits for the next one first. It keeps no process running. */
  async close(): Promise<void> {
    const isReady = !this.#begun && this.#asked.length === 0 && this.#failure === undefined;
    if (!isReady || kept.length >= KEPT) {
      await this.#worker.terminate();
      return;
    }
    kept.push(this);
    this.#worker.unref();
    this.#ending = setTimeout(() => this.#end(), KEPT_MS).unref();
  }

  #ask(question: 'digest' | readonly [from: number, length: number]): Promise<string | null> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const asked = Promise.withResolvers<string | null>();
    this.#asked.push(asked);
    this.#tell(question);
    return asked.promise;
  }

  #tell(question: SharedArrayBuffer | 'digest' | readonly [from: number, length: number]): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    this.#worker.postMessage(question);
  }

  #end(): void {
    kept.splice(kept.indexOf(this), 1);
    void this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const at = kept.indexOf(this);
    if (at >= 0) kept.splice(at, 1);
    for (const { reject } of this.#asked.splice(0)) reject(this.#failure);
  }
}
