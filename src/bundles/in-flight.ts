import type { Chunk } from './slot-ring.ts';

/** Chunks that are digested and written while the next ones are read. */
export class InFlight {
  #failure: Error | undefined;

  /** Gives the chunk back as soon as all its uses are over, however they end. */
  follow(chunk: Pick<Chunk, 'release'>, ...uses: readonly Promise<void>[]): void {
    void Promise.allSettled(uses).then((outcomes) => {
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') this.#failure ??= asError(outcome.reason);
      chunk.release();
    });
  }

  /** Throws the first failure of any use, if there was one: nothing more need be read then. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** A thrown value as an error that can be kept and thrown again. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
