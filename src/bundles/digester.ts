import { createHash } from 'node:crypto';
import { HashingThread } from './hashing-thread.ts';

/** Members from this size on are worth the way to another thread. */
const THREAD_FROM = 2 ** 16;

/** A digest under way. */
export interface DigestStream {
  /** Takes bytes of the ring, which must stay as they are until this resolves. */
  update(bytes: Uint8Array): Promise<void>;
  /** SHA3-384 of all of them, in hexadecimal. */
  digest(): Promise<string>;
}

/**
 * Makes digests of what lies in a ring: of small things at once, of large ones beside everything else. The next may begin when the
 * last was asked for its digest. Close it at the end.
 */
export class Digester {
  readonly #memory: SharedArrayBuffer;
  #thread: HashingThread | undefined;

  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory;
  }

  /** Begins a digest of so many bytes. */
  begin(size: number): DigestStream {
    if (size >= THREAD_FROM) return (this.#thread ??= new HashingThread(this.#memory));
    const hash = createHash('sha3-384');
    return {
      update: (bytes) => {
        hash.update(bytes);
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
