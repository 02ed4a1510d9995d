/** Files that are finished at a time, beside the one that is written: each may hold a thread of Node's four that wait for disks. */
const AT_ONCE = 2;

/** Members on their way from memory to the disk: each is finished (digest, disk, name) while the next ones are unpacked. */
export class Keeping {
  readonly #pending = new Map<string, Promise<void>>();
  #begun = 0;
  /** Of the member that came first of those that failed, whichever was found out first. */
  #failure: { readonly order: number; readonly cause: unknown } | undefined;

  /**
   * Waits for the same member, should it come twice under two names, and for the oldest when there are many.
   * Throws what went wrong with one before, so that nothing more is read.
   */
  async room(digest: string): Promise<void> {
    await this.#pending.get(digest);
    const [oldest] = this.#pending.values();
    if (this.#pending.size >= AT_ONCE) await oldest;
    this.#throwFailure();
  }

  /** Begins to finish a member. */
  begin(digest: string, finish: () => Promise<void>): void {
    const order = this.#begun++;
    const kept = finish()
      .catch((cause: unknown) => {
        if (this.#failure === undefined || order < this.#failure.order) this.#failure = { order, cause };
      })
      .finally(() => this.#pending.delete(digest));
    this.#pending.set(digest, kept);
  }

  /** Waits for all; throws the failure of the first that has one. */
  async finish(): Promise<void> {
    await Promise.all(this.#pending.values());
    this.#throwFailure();
  }

  /** Waits for all; the failure of the first that has one. */
  async firstFailure(): Promise<unknown> {
    await Promise.all(this.#pending.values());
    return this.#failure?.cause;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}
