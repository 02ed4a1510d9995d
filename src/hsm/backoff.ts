/** Limits of the pause between two tries to reach the HSM, in milliseconds. */
export interface BackoffLimits {
  readonly first: number;
  readonly longest: number;
}

/** Between two tries to reach a token. The longest is a part of what the way back may take; see test/appliance/recovery.test.ts. */
export const TOKEN_BACKOFF: BackoffLimits = { first: 100, longest: 2000 };

/**
 * Growing pauses with jitter: doubled at each try, and spread over half of their length, because SoftHSM answers
 * nonsense to processes that open one token at the same moment.
 */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #tries = 0;

  constructor(limits: BackoffLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** The next pause in milliseconds. */
  next(): number {
    const pause = Math.min(this.#limits.longest, this.#limits.first * 2 ** this.#tries);
    this.#tries = Math.min(this.#tries + 1, 30);
    return Math.round(pause * (0.5 + this.#random() * 0.5));
  }

  /** The HSM works again: the next pause is short. */
  reset(): void {
    this.#tries = 0;
  }
}
