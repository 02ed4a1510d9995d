import { createHmac, timingSafeEqual } from 'node:crypto';

const DIGEST = /^[0-9a-f]{96}$/;

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
    const expected = Buffer.from(this.#sign(digest, from));
    const given = Buffer.from(sign);
    return given.length === expected.length && timingSafeEqual(given, expected) ? from : undefined;
  }

  #sign(digest: string, upstream: string): string {
    return createHmac('sha256', this.#secret).update(`${digest} ${upstream}`).digest('base64url');
  }
}
