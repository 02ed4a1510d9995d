import { refKey, refWords, supportsOf, type Assertion, type AssertionRef } from '../assertions/index.ts';
import { UpstreamError } from './errors.ts';
import type { StoreClient } from './store-client.ts';

/** Fetches assertions with all that they rest on, each once. */
export class AssertionFetcher {
  readonly #client: StoreClient;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Assertion>();

  /** @param roots the trusted assertions, which need not be fetched */
  constructor(client: StoreClient, roots: readonly Assertion[], signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
    for (const root of roots) this.#known.set(refKey(root), root);
  }

  /**
   * The assertions and everything down to the root, what others rest on first.
   * @throws UpstreamError `assertion-not-upstream`
   */
  async chain(...refs: readonly AssertionRef[]): Promise<readonly Assertion[]> {
    const ordered = new Map<string, Assertion>();
    const underWay = new Set<string>();
    const visit = async (ref: AssertionRef): Promise<void> => {
      const key = refKey(ref);
      if (underWay.has(key)) return;
      underWay.add(key);
      const assertion = await this.#get(ref);
      for (const support of supportsOf(assertion)) await visit(support);
      ordered.set(key, assertion);
    };
    for (const ref of refs) await visit(ref);
    return [...ordered.values()];
  }

  async #get(ref: AssertionRef): Promise<Assertion> {
    const key = refKey(ref);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = await this.#client.assertion(ref, this.#signal);
    if (found === undefined)
      throw new UpstreamError(
        'assertion-not-upstream',
        `cannot fetch ${refWords(ref)}: the upstream store does not have it`,
      );
    this.#known.set(key, found);
    return found;
  }
}
