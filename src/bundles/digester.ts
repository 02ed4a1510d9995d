import { createHash } from 'node:crypto';
import { HashingThread } from './hashing-thread.ts';

/** Members from this size on are worth the way to another thread. */
const THREAD_FROM = 4 * 2 ** 20;

/** A digest under way. */
export interface DigestStream {
  /** Takes bytes; resolves when there is room for more. */
  update(chunk: Uint8Array): Promise<void>;
  /** SHA3-384 of all of them, in hexadecimal. */
  digest(): Promise<string>;
}

/** Makes digests one after the other: of small things at once, of large ones beside everything else. Close it at the end. */
export class Digester {
  #thread: HashingThread | undefined;

  /** Begins a digest of so many bytes; the one before must be over. */
  begin(size: number): DigestStream {
    if (size >= THREAD_FROM) return (this.#thread ??= new HashingThread());
    const hash = createHash('sha3-384');
    return {
      update: (chunk) => {
        hash.update(chunk);
        return Promise.resolve();
      },
      digest: () => Promise.resolve(hash.digest('hex')),
    };
  }

  /** Ends the thread, if there is one. */
  async close(): Promise<void> {
    await this.#thread?.close();
    this.#thread = undefined;
  }
}
