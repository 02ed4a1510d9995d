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
  #gathering: NodeJS.Timeout | undefined;
  #closed = false;
  #lastEnd = -Infinity;

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
    clearTimeout(this.#gathering);
    this.#queue.clear();
  }

  #schedule(): void {
    if (this.#closed || this.#queue.size === 0 || this.#busy >= this.#options.lanes) return;
    if (this.#queue.size >= this.#size) this.#send();
    else {
      // Idle: whatever arrives in this turn of the event loop goes at once. Not idle: others come back right after a batch.
      const recent = performance.now() - this.#lastEnd < this.#options.linger;
      const wait = this.#busy === 0 && !recent ? 0 : this.#options.linger;
      this.#gathering ??= setTimeout(() => {
        this.#gathering = undefined;
        this.#send();
      }, wait);
    }
  }

  #send(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#closed || this.#busy >= this.#options.lanes || this.#queue.size === 0) return;
    const batch = [...this.#queue].slice(0, this.#share());
    for (const intent of batch) {
      this.#queue.delete(intent);
      this.#underWay.add(intent);
    }
    this.#busy += 1;
    const started = performance.now();
    void this.#options.run(batch).then(() => {
      for (const intent of batch) this.#underWay.delete(intent);
      this.#busy -= 1;
      this.#lastEnd = performance.now();
      this.#fit(batch.length, this.#lastEnd - started);
      this.#schedule();
    });
    this.#schedule();
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
