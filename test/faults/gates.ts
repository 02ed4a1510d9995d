import { setImmediate as nextTurn } from 'node:timers/promises';

/** How it goes on behind a gate: well; as a failure; or, for a batch, without having done anything and without saying so. */
export type Way = 'well' | 'ill' | 'lost';

/** A place where something waits until a test lets it go on. */
export interface Gate {
  readonly owner: object;
  readonly place: string;
  readonly open: (way: Way) => void;
}

/** All that waits, in the order in which it came. */
export class Gates {
  readonly waiting: Gate[] = [];

  /** Waits to be let through. */
  pass(owner: object, place: string): Promise<Way> {
    const { promise, resolve } = Promise.withResolvers<Way>();
    const gate: Gate = {
      owner,
      place,
      open: (way) => {
        this.waiting.splice(this.waiting.indexOf(gate), 1);
        resolve(way);
      },
    };
    this.waiting.push(gate);
    return promise;
  }

  /** Whether something of this owner waits at such a place. */
  has(owner: object, place: RegExp): boolean {
    return this.waiting.some((gate) => gate.owner === owner && place.test(gate.place));
  }

  /** Forgets all that waits for this owner: its process died. */
  abandon(owner: object): void {
    const rest = this.waiting.filter((gate) => gate.owner !== owner);
    this.waiting.splice(0, this.waiting.length, ...rest);
  }
}

/** Something that works, and rests when all that it does waits at gates. */
export interface Resting {
  readonly isAtRest: boolean;
  /** What it does meanwhile that takes time of its own, such as a signature. */
  readonly work: ReadonlySet<Promise<unknown>>;
}

/** How long something may take to come to rest, in milliseconds: only so that a test that hangs says so. */
const LIMIT = 60_000;

/** Resolves when nothing moves any more unless a gate is opened. */
export async function atRest(those: readonly Resting[]): Promise<void> {
  const end = performance.now() + LIMIT;
  for (;;) {
    // All that waits for nothing but other promises has settled by the next turn.
    await nextTurn();
    const work = those.flatMap((one) => [...one.work]);
    if (work.length > 0) await Promise.race(work);
    else if (those.every((one) => one.isAtRest)) return;
    if (performance.now() > end) throw new Error('the hosts do not come to rest');
  }
}
