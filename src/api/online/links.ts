import { createHmac, timingSafeEqual } from 'node:crypto';

const DIGEST = /^[0-9a-f]{96}$/;
/** Stands where a digest does, in signatures of addresses that lead to no file. */
const RELAY = 'relay';

/**
 * Addresses under which an online host gives out files of its upstream. Only what this host wrote into an answer is followed: the
 * upstream address is signed, so that nobody makes the host fetch another.
 */
export class CacheLinks {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** The path for a file of the upstream. */
  pathOf(digest: string, upstream: string): string {
    const query = new URLSearchParams({ from: upstream, sign: this.#sign(digest, upstream) });
    return `/cached/${digest}?${query.toString()}`;
  }

  /** The upstream address of a path that this host made; undefined for any other. */
  upstreamOf(digest: string, from: string | undefined, sign: string | undefined): string | undefined {
    if (!DIGEST.test(digest) || from === undefined || sign === undefined) return undefined;
    return this.#isSigned(digest, from, sign) ? from : undefined;
  }

  /** The path for anything else that the upstream tells devices to fetch, such as a stream of assertions. */
  relayPathOf(upstream: string): string {
    const query = new URLSearchParams({ from: upstream, sign: this.#sign(RELAY, upstream) });
    return `/relayed?${query.toString()}`;
  }

  /** The upstream address of such a path; undefined for any that this host did not make. */
  relayedUpstream(from: string | undefined, sign: string | undefined): string | undefined {
    return from !== undefined && sign !== undefined && this.#isSigned(RELAY, from, sign) ? from : undefined;
  }

  #isSigned(digest: string, upstream: string, sign: string): boolean {
    const expected = Buffer.from(this.#sign(digest, upstream));
    const given = Buffer.from(sign);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #sign(digest: string, upstream: string): string {
    return createHmac('sha256', this.#secret).update(`${digest} ${upstream}`).digest('base64url');
  }
}
