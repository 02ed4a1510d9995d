import { sentenceOf } from '../errors.ts';
import { HsmError } from './errors.ts';
import type { Hsm, HsmOptions, HsmStatus } from './hsm.ts';
import { connectHsm } from './open-hsm.ts';
import { signingFailure } from './status.ts';
import type { TokenHsm } from './token-hsm.ts';

/** Finds the token that holds a key. */
export interface TokenFinder<Calls = Hsm> {
  /** Throws {@link HsmError} `hsm-token-unknown`, or `hsm-unavailable` when its settings lead nowhere. */
  of(name: string): Calls;
}

/** One token that is wanted. */
export interface TokenPlan {
  readonly name: string;
  /**
   * How to reach it; a promise, because an embedded token may have to be made. Its failure is told in the status, and it is
   * asked again by the next {@link HsmTokens.apply}.
   */
  readonly options: () => Promise<HsmOptions>;
  /** Changes when the token has to be opened anew. */
  readonly fingerprint: string;
}

/** How one token is. */
export interface NamedTokenStatus extends Pick<
  HsmStatus,
  'state' | 'words' | 'pinRefused' | 'waiting' | 'lastProbe'
> {
  readonly name: string;
  readonly connections: { readonly open: number };
  /** Why it cannot sign now, in words; undefined when it can. */
  readonly failure: string | undefined;
}

type Opened = { readonly hsm: TokenHsm } | { readonly failure: string };

interface Entry {
  readonly fingerprint: string;
  /** Settles when the token was opened, or cannot be. */
  readonly opening: Promise<Opened>;
  opened: Opened | undefined;
}

/**
 * The tokens of one appliance by their names. Each has processes, a queue and an order of its own: one that is down or hangs
 * does not keep another waiting.
 */
export class HsmTokens implements TokenFinder {
  readonly #entries = new Map<string, Entry>();

  /**
   * Opens what is new, lets go what is not wanted any more, and opens anew what changed or could not be opened. Does not wait
   * for any token.
   */
  async apply(plans: readonly TokenPlan[]): Promise<void> {
    const wanted = new Map(plans.map((plan) => [plan.name, plan]));
    const ended: Promise<void>[] = [];
    for (const [name, entry] of this.#entries) {
      const plan = wanted.get(name);
      if (plan?.fingerprint !== entry.fingerprint) {
        this.#entries.delete(name);
        ended.push(closed(entry));
      } else if (hasFailed(entry)) {
        // The failure is told until the new attempt is over.
        this.#entries.set(name, entryOf(plan, entry.opened));
      }
    }
    for (const plan of plans) if (!this.#entries.has(plan.name)) this.#entries.set(plan.name, entryOf(plan));
    await Promise.all(ended);
  }

  /** Whether some token's settings lead nowhere, so that another {@link apply} may help. */
  get failed(): boolean {
    return [...this.#entries.values()].some(hasFailed);
  }

  /** Resolves when each token was tried once, and after so many milliseconds in any case. */
  async firstAttempts(limit: number): Promise<void> {
    const attempts = [...this.#entries.values()].map(async ({ opening }) => {
      const opened = await opening;
      if ('hsm' in opened) await opened.hsm.firstAttempt;
    });
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limit);
    await Promise.race([Promise.all(attempts), late]);
    clearTimeout(timer);
  }

  of(name: string): Hsm {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      throw new HsmError(
        'hsm-token-unknown',
        `cannot use the HSM token "${name}": it is not configured any more; set its label again, or give the models a policy with a key on another token`,
      );
    }
    const { opened } = entry;
    if (opened === undefined)
      throw new HsmError(
        'hsm-unavailable',
        `cannot use the HSM token "${name}" yet: it is being opened; try again`,
      );
    if ('failure' in opened)
      throw new HsmError('hsm-unavailable', `cannot use the HSM token "${name}": ${opened.failure}`);
    return opened.hsm;
  }

  /** How each token is, and what it waits for. */
  status(): readonly NamedTokenStatus[] {
    return [...this.#entries].map(([name, { opened }]) => {
      if (opened !== undefined && 'hsm' in opened) {
        const status = opened.hsm.status();
        return { name, ...status, failure: signingFailure(status) };
      }
      const words = opened === undefined ? 'is being opened' : opened.failure;
      const state = opened === undefined ? 'starting' : 'down';
      return {
        name,
        state,
        words,
        pinRefused: undefined,
        waiting: 0,
        connections: { open: 0 },
        lastProbe: undefined,
        failure: words,
      };
    });
  }

  /** Finishes what is in flight on every token, and ends their processes. */
  async close(): Promise<void> {
    await this.apply([]);
  }
}

function entryOf({ fingerprint, options }: TokenPlan, before?: Opened): Entry {
  const opening = options()
    .then((known): Opened => ({ hsm: connectHsm(known) }))
    .catch((error: unknown): Opened => ({ failure: sentenceOf(error) }));
  const entry: Entry = { fingerprint, opening, opened: before };
  void opening.then((opened) => (entry.opened = opened));
  return entry;
}

function hasFailed({ opened }: Entry): boolean {
  return opened !== undefined && 'failure' in opened;
}

async function closed({ opening }: Entry): Promise<void> {
  const opened = await opening;
  if ('hsm' in opened) await opened.hsm.close();
}
