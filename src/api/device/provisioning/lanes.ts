/** See `ProvisionerOptions`. */
export interface LaneOptions {
  readonly lanes: number;
  readonly batchSize: number;
  readonly linger: number;
  readonly batchTime: number;
  /** Resolves when the batch is over; never rejects. */
  readonly run: (intents: readonly string[]) => Promise<void>;
}

/** A queue of intents, first come first served, that leaves in batches over a few lanes. An intent is in it once. */
export class Lanes {
  readonly #options: LaneOptions;
  readonly #queue = new Set<string>();
  readonly #underWay = new Set<string>();
  #busy = 0;
  #size: number;
  #gathering: { readonly due: number; readonly timer: NodeJS.Timeout } | undefined;
  #closed = false;
  #lastStart = -Infinity;
  #lastEnd = -Infinity;
  /** How long batches take of late, in milliseconds; 0 before the first. */
  #usual = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#size = options.batchSize;
  }

  /** How many intents wait or are under way. */
  get load(): number {
    return this.#queue.size + this.#underWay.size;
  }

  /** Whether an intent waits or is under way. */
  has(intent: string): boolean {
    return this.#queue.has(intent) || this.#underWay.has(intent);
  }

  /** Puts an intent at the end of the line, unless it is in it. */
  add(intent: string): void {
    if (this.#closed || this.has(intent)) return;
    this.#queue.add(intent);
    this.#schedule();
  }

  /** Sends nothing further. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#gathering?.timer);
    this.#queue.clear();
  }

  #schedule(): void {
    if (this.#closed || this.#queue.size === 0 || !this.#mayLeave()) return;
    if (this.#queue.size >= this.#size) return this.#send();
    const now = performance.now();
    const due = now + this.#wait(now);
    if (this.#gathering !== undefined && this.#gathering.due <= due) return;
    clearTimeout(this.#gathering?.timer);
    this.#gathering = { due, timer: setTimeout(() => this.#send(), due - now) };
  }

  /** How long what is here waits for more to go along, in milliseconds. */
  #wait(now: number): number {
    const { lanes, linger } = this.#options;
    // With several lanes one after the other: so far apart that none gets small, and early enough to be at hand when the one
    // before it is signed.
    if (this.#busy > 0) return Math.max(linger, this.#lastStart + this.#usual / (2 * lanes) - now);
    // Idle: whatever arrives in this turn of the event loop goes at once. Right after a batch others come back.
    return now - this.#lastEnd < linger ? linger : 0;
  }

  #send(): void {
    clearTimeout(this.#gathering?.timer);
    this.#gathering = undefined;
    if (this.#closed || this.#queue.size === 0 || !this.#mayLeave()) return;
    const batch = [...this.#queue].slice(0, this.#share());
    for (const intent of batch) {
      this.#queue.delete(intent);
      this.#underWay.add(intent);
    }
    this.#busy += 1;
    const started = performance.now();
    this.#lastStart = started;
    void this.#options.run(batch).then(() => {
      for (const intent of batch) this.#underWay.delete(intent);
      this.#busy -= 1;
      this.#lastEnd = performance.now();
      const taken = this.#lastEnd - started;
      this.#usual = this.#usual === 0 ? taken : (this.#usual + taken) / 2;
      this.#fit(batch.length, taken);
      this.#schedule();
    });
    this.#schedule();
  }

  /**
   * Whether a batch may leave. A full one for a quick token may take one lane more, so that it is at hand when the one before it
   * is signed; smaller ones would cost more than is gained, and of a slow token those behind would wait longer.
   */
  #mayLeave(): boolean {
    const { lanes, batchSize, batchTime } = this.#options;
    const quick = this.#usual > 0 && this.#usual <= batchTime / 2;
    return this.#busy < (quick && this.#queue.size >= batchSize ? lanes + 1 : lanes);
  }

  /**
   * The size of the next batch: with several lanes no more than one lane's share of all that is here, so that the token has
   * another batch to sign while the devices of one get their answers and come back.
   */
  #share(): number {
    return Math.min(this.#size, Math.max(1, Math.ceil(this.load / this.#options.lanes)));
  }

  /** Keeps batches as large as the token serves in the time that one should take: twice as large at most from one to the next. */
  #fit(length: number, milliseconds: number): void {
    const { batchSize, batchTime } = this.#options;
    const served = Math.max(1, Math.floor((length * batchTime) / Math.max(milliseconds, 1)));
    if (milliseconds > batchTime) this.#size = Math.min(this.#size, served);
    else if (length === this.#size) this.#size = Math.min(batchSize, Math.max(served, 1), this.#size * 2);
  }
}
