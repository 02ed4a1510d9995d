import type { Ground } from './serial-ground.ts';
import type { Draft, SerialReference } from './serial-reference.ts';

/** A signature that the HSM made. */
export interface Witnessed {
  readonly signature: Uint8Array;
  readonly draft: Draft;
}

/** Every promise of a history, and how far its signature came. */
export class SerialPromises {
  readonly witnessed: Witnessed[] = [];
  /** Those whose signature a host handed to the database. */
  readonly stored = new Set<Draft>();
  readonly #ground: Ground;
  readonly #reference: SerialReference;
  /** Oldest first. */
  readonly #all: Draft[] = [];
  /** The last one of each digest: two can be the same to the byte. */
  readonly #byDigest = new Map<string, Draft>();
  /** Those that were in force when their signature was stored. */
  readonly #storedInForce = new Set<Draft>();

  constructor(ground: Ground, reference: SerialReference) {
    this.#ground = ground;
    this.#reference = reference;
  }

  async add(draft: Draft): Promise<void> {
    if (this.#all.includes(draft)) return;
    this.#all.push(draft);
    this.#byDigest.set(await this.#ground.digestOf(draft), draft);
  }

  /** The promise that a digest is of. Throws where nobody was promised such a serial. */
  withDigest(digest: Uint8Array): Draft {
    const draft = this.#byDigest.get(Buffer.from(digest).toString('hex'));
    if (draft === undefined) throw new Error('the HSM is asked to sign what nobody was promised');
    return draft;
  }

  store(drafts: readonly Draft[]): void {
    for (const draft of drafts) {
      this.stored.add(draft);
      if (this.#reference.isInForce(draft)) this.#storedInForce.add(draft);
      this.#reference.store(draft);
    }
  }

  /** The serials that a promise may have led to: its own, or what the same device was promised later. */
  outcomesOf(promised: Draft): Draft[] {
    return this.#all
      .slice(this.#all.indexOf(promised))
      .filter(({ board, model }) => board === promised.board && model === promised.model)
      .filter((draft) => this.#storedInForce.has(draft));
  }
}
