import { refKey, refWords, supportsOf, type Assertion, type AssertionRef } from '../assertions/index.ts';
import { UpstreamError } from './errors.ts';
import type { StoreClient } from './store-client.ts';

/** Accounts and their keys, by `refKey`: what the assertions of many snaps rest on. */
export type KnownSupports = Map<string, Assertion>;

/** Fetches assertions with all that they rest on, each once. */
export class AssertionFetcher {
  readonly #client: StoreClient;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Assertion>();
  readonly #supports: KnownSupports;

  /**
   * @param roots the trusted assertions, which need not be fetched
   * @param supports what fetchers of the same moment found: it is looked up, and added to
   */
  constructor(
    client: StoreClient,
    roots: readonly Assertion[],
    signal: AbortSignal,
    supports: KnownSupports = new Map(),
  ) {
    this.#client = client;
    this.#signal = signal;
    this.#supports = supports;
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
    const known = this.#known.get(key) ?? this.#supports.get(key);
    if (known !== undefined) return known;
    const found = await this.#client.assertion(ref, this.#signal);
    if (found === undefined)
      throw new UpstreamError(
        'assertion-not-upstream',
        `cannot fetch ${refWords(ref)}: the upstream store does not have it`,
      );
    const isSupport = found.type === 'account' || found.type === 'account-key';
    (isSupport ? this.#supports : this.#known).set(key, found);
    return found;
  }
}
