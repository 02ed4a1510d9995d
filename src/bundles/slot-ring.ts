import { giveBack, takeBlock } from './file-blocks.ts';

/** Memory that bytes of an archive pass through: read into once, then digested and written from the same place. */
export interface Chunk {
  readonly bytes: Uint8Array;
  /** Gives the memory back; nobody may look at the bytes afterwards. Called once by everyone who was given the chunk. */
  readonly release: () => void;
}

/** One slot of the ring, as its holder sees it. */
export interface Slot {
  /** A Buffer, as that alone moves bytes of shared memory at full speed. */
  readonly memory: Buffer;
  /** A piece of the slot for somebody else to hold as well. */
  share(from: number, to: number): Chunk;
  readonly release: () => void;
}

/**
 * A fixed number of slots. Who reads waits here for a slot that all others are done with: that is the only brake between disk, digest and
 * disk, and why memory stays flat however large an archive is.
 */
export class Slots {
  protected readonly free: Buffer[];
  readonly #waiting: ((memory: Buffer) => void)[] = [];

  constructor(memory: readonly Buffer[]) {
    this.free = [...memory];
  }

  /** A slot of one's own, as soon as there is one. */
  async take(): Promise<Slot> {
    const free = this.free.pop();
    const memory = free ?? (await new Promise<Buffer>((resolve) => this.#waiting.push(resolve)));
    let holders = 1;
    const release = () => {
      holders -= 1;
      if (holders > 0) return;
      const next = this.#waiting.shift();
      if (next === undefined) this.free.push(memory);
      else next(memory);
    };
    const share = (from: number, to: number): Chunk => {
      holders += 1;
      return { bytes: memory.subarray(from, to), release };
    };
    return { memory, share, release };
  }
}

/** Slots in memory that threads share, for what is digested beside all else. */
export class SlotRing extends Slots {
  readonly memory: SharedArrayBuffer;
  readonly slotBytes: number;

  constructor(slots: number, slotBytes: number) {
    const memory = new SharedArrayBuffer(slots * slotBytes);
    super(Array.from({ length: slots }, (_, n) => Buffer.from(memory, n * slotBytes, slotBytes)));
    this.memory = memory;
    this.slotBytes = slotBytes;
  }
}

/**
 * Slots in memory of one thread alone, which is copied from at more than twice the speed. It was used before and will be used again: new
 * memory for each of thousands of small files keeps the garbage collector busier than the files themselves. Close them at the end.
 */
export class OwnSlots extends Slots {
  /** @param slotBytes at most FILE_BLOCK_BYTES */
  constructor(slots: number, slotBytes: number) {
    super(Array.from({ length: slots }, () => takeBlock().subarray(0, slotBytes)));
  }

  /** Gives back what nobody holds; what somebody still holds is nobody else's ever. */
  close(): void {
    for (const { buffer } of this.free.splice(0)) giveBack(Buffer.from(buffer));
  }
}
