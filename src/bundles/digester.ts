import { createHash } from 'node:crypto';
import { HashingThread } from './hashing-thread.ts';

/** Smaller things are digested sooner than handed over. */
const HANDED_FROM = 2 ** 16;
/** Bytes from which on a thread of its own is worth the time that it takes to start. */
const THREAD_FROM = 16 * 2 ** 20;

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
  readonly #handedFrom: number;
  #thread: HashingThread | undefined;

  /** Of bytes in `memory`, so many `expected` in all. */
  constructor(memory: SharedArrayBuffer, expected: number) {
    this.#memory = memory;
    this.#handedFrom = expected < THREAD_FROM ? Number.POSITIVE_INFINITY : HANDED_FROM;
  }

  /** Begins a digest of so many bytes. */
  begin(size: number): DigestStream {
    if (size >= this.#handedFrom) return (this.#thread ??= new HashingThread(this.#memory));
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
