import type { Hsm } from '../../src/hsm/index.ts';

/** Signs as many digests as it is let. */
export class HeldToken implements Pick<Hsm, 'findKey' | 'sign'> {
  readonly #hsm: Hsm;
  readonly #held: (() => void)[] = [];
  #free = 0;

  constructor(hsm: Hsm) {
    this.#hsm = hsm;
  }

  /** How many digests wait. */
  get waiting(): number {
    return this.#held.length;
  }

  findKey: Hsm['findKey'] = (id) => this.#hsm.findKey(id);

  async sign(...args: Parameters<Hsm['sign']>): Promise<Uint8Array> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#held.push(resolve));
    return this.#hsm.sign(...args);
  }

  /** Signs so many of those that wait, and of those to come. */
  release(count: number): void {
    const now = this.#held.splice(0, count);
    for (const go of now) go();
    this.#free += count - now.length;
  }
}
