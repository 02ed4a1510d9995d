import { createHash } from 'node:crypto';
import { HashingThread } from './hashing-thread.ts';
import { OwnSlots, SlotRing, type Slots } from './slot-ring.ts';

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
  readonly #memory: SharedArrayBuffer | undefined;
  #thread: HashingThread | undefined;

  /** @param memory where the bytes are, for a thread that digests what is large; without it all is digested at once */
  constructor(memory?: SharedArrayBuffer) {
    this.#memory = memory;
  }

  /** With a thread only if so many bytes are `expected` in all that it is worth one. */
  static over(memory: SharedArrayBuffer, expected: number): Digester {
    return isWorthThread(expected) ? new Digester(memory) : new Digester();
  }

  /** Begins a digest of so many bytes. */
  begin(size: number): DigestStream {
    if (this.#memory !== undefined && size >= HANDED_FROM)
      return (this.#thread ??= HashingThread.over(this.#memory));
    const hash = createHash('sha3-384');
    return {
      update: (bytes) => {
        hash.update(bytes);
        return Promise.resolve();
      },
      digest: () => Promise.resolve(hash.digest('hex')),
    };
  }

  /** Gives the thread back, if there is one. */
  async close(): Promise<void> {
    await this.#thread?.close();
    this.#thread = undefined;
  }
}

/** Slots for what is read, digested and written, and who digests it. */
export interface DigestingSlots {
  readonly slots: Slots;
  readonly digester: Digester;
  /** Gives back what others may use. */
  close(): Promise<void>;
}

/** Slots and digester for so many `expected` bytes: as few slots as will do, in shared memory only where another thread looks at them. */
export function digestingSlots(most: number, slotBytes: number, expected: number): DigestingSlots {
  // Two more than the bytes fill: one that is read into at the end, and one for what is left of a stream's piece.
  const count = Math.min(most, 2 + Math.ceil(expected / slotBytes));
  if (!isWorthThread(expected)) {
    const slots = new OwnSlots(count, slotBytes);
    return { slots, digester: new Digester(), close: async () => slots.close() };
  }
  const slots = new SlotRing(count, slotBytes);
  const digester = new Digester(slots.memory);
  return { slots, digester, close: () => digester.close() };
}

function isWorthThread(bytes: number): boolean {
  return bytes >= THREAD_FROM;
}
