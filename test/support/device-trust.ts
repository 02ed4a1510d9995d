import {
  refKey,
  sourceOf,
  supportsOf,
  verifyBatch,
  verifyChain,
  type Assertion,
  type AssertionRef,
  type AssertionTypeName,
} from '../../src/assertions/index.ts';

/** Fetches one assertion from the store. */
export type FetchAssertion = (
  type: AssertionTypeName,
  primaryKey: readonly string[],
) => Promise<Assertion | undefined>;

/** What a device trusts and knows, and how it finds the rest. */
export class DeviceTrust {
  readonly #roots: readonly Assertion[];
  readonly #known: readonly Assertion[];
  readonly #fetch: FetchAssertion;

  constructor(roots: readonly Assertion[], known: readonly Assertion[], fetchAssertion: FetchAssertion) {
    this.#roots = roots;
    this.#known = known;
    this.#fetch = fetchAssertion;
  }

  /** Checks an assertion down to a root, fetching what it rests on. */
  async verify(assertion: Assertion): Promise<void> {
    await verifyChain(
      assertion,
      this.#options([...this.#known, ...(await this.#fetchSupports([assertion]))]),
    );
  }

  /** Checks assertions that came together; what they rest on is among them, or known, or fetched if told so. */
  async verifyStream(stream: readonly Assertion[], mode: 'complete' | 'fetch'): Promise<void> {
    const fetched = mode === 'fetch' ? await this.#fetchSupports(stream) : [];
    await verifyBatch([...stream, ...fetched], this.#options(this.#known));
  }

  #options(known: readonly Assertion[]) {
    return { source: sourceOf(known), trusted: sourceOf(this.#roots), now: new Date() };
  }

  async #fetchSupports(assertions: readonly Assertion[]): Promise<readonly Assertion[]> {
    const have = new Set([...this.#roots, ...this.#known, ...assertions].map(refKey));
    const fetched: Assertion[] = [];
    const wanted: AssertionRef[] = assertions.flatMap(supportsOf);
    for (let ref = wanted.shift(); ref !== undefined; ref = wanted.shift()) {
      if (have.has(refKey(ref))) continue;
      have.add(refKey(ref));
      const found = await this.#fetch(ref.type, ref.primaryKey);
      if (found === undefined) continue;
      fetched.push(found);
      wanted.push(...supportsOf(found));
    }
    return fetched;
  }
}
