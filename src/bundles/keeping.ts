/** Files that are finished at a time, beside the one that is written: each may hold a thread of Node's four that wait for disks. */
const AT_ONCE = 2;

/** Members on their way from memory to the disk: each is finished (digest, disk, name) while the next ones are unpacked. */
export class Keeping {
  readonly #pending = new Map<string, Promise<void>>();
  #failure: { readonly cause: unknown } | undefined;

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
    const kept = finish()
      .catch((cause: unknown) => {
        this.#failure ??= { cause };
      })
      .finally(() => this.#pending.delete(digest));
    this.#pending.set(digest, kept);
  }

  /** Waits for all; throws the first failure. */
  async finish(): Promise<void> {
    await Promise.all(this.#pending.values());
    this.#throwFailure();
  }

  /** Waits for all; the first failure, if there was one. */
  async firstFailure(): Promise<unknown> {
    await Promise.all(this.#pending.values());
    return this.#failure?.cause;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}
