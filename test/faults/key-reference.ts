/** Why no key can keep a promise any more. */
export type Closing = 'key-revoked' | 'key-expired' | 'key-deleted';

/** What an account-key says, and between which moments it was the newest one. All in seconds. */
interface Saying {
  readonly revoked: boolean;
  readonly until: number | undefined;
  readonly from: number;
  to: number;
}

/** What becomes of the signing keys: revoked, ended or extended by their owner, deleted by an operator. */
export class KeyReference {
  /** By key, the newest last. */
  readonly #sayings = new Map<string, Saying[]>();
  readonly #deleted = new Set<string>();

  /** Notes that another account-key of a key came. */
  say(key: string, of: { readonly revoked: boolean; readonly until: number | undefined }, now: number): void {
    const sayings = this.#sayings.get(key) ?? [];
    const last = sayings.at(-1);
    if (last !== undefined) last.to = now;
    this.#sayings.set(key, [...sayings, { ...of, from: now, to: Infinity }]);
  }

  delete(key: string): void {
    this.#deleted.add(key);
  }

  isDeleted(key: string): boolean {
    return this.#deleted.has(key);
  }

  standing(key: string, now: number): 'valid' | 'expired' | 'revoked' {
    const saying = this.#sayings.get(key)?.at(-1);
    if (saying?.revoked) return 'revoked';
    return (saying?.until ?? Infinity) <= now ? 'expired' : 'valid';
  }

  /** Whether a device accepts what a key signed at a time. */
  vouches(key: string, at: number): boolean {
    return this.standing(key, at) === 'valid';
  }

  /** Whether a key could not sign for that reason at any moment of a time. */
  couldFail(key: string, reason: Closing, time: { readonly from: number; readonly to: number }): boolean {
    if (reason === 'key-deleted') return this.isDeleted(key);
    const sayings = this.#sayings.get(key) ?? [];
    return sayings.some(
      ({ revoked, until, from, to }) =>
        from <= time.to &&
        to >= time.from &&
        (reason === 'key-revoked' ? revoked : !revoked && (until ?? Infinity) <= Math.min(to, time.to)),
    );
  }
}
