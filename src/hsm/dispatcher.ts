import type { Connection } from './connection.ts';
import { HsmError } from './errors.ts';
import { FairQueue } from './fair-queue.ts';
import type { Job, Outcome, RepeatableTask } from './job.ts';
import type { Supervisor } from './supervisor.ts';

/** A repeatable call gives up after this many lost connections: a call that kills the token must not do so for ever. */
const LOSSES_BORNE = 4;

/** Limits of the dispatcher; times in milliseconds. */
export interface DispatcherOptions {
  /** How many calls may wait. */
  readonly queue: number;
  /** How many calls one connection holds: more than it has sessions, so that none idles while an answer travels. */
  readonly perConnection: number;
  /** How long calls wait for an HSM that is down. */
  readonly patience: number;
  /** Says why there is no connection, for the error of a call that cannot wait any longer. */
  readonly whyDown: () => HsmError;
}

interface Entry {
  readonly task: RepeatableTask;
  readonly lane: string;
  losses: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: HsmError) => void;
}

/**
 * Brings calls to connections: in fair order, as many as the connections hold, each again when its connection was lost.
 * Only calls that change nothing on the token come this way. Repeating a signature is harmless, because PKCS#1 v1.5
 * signatures are deterministic.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #queue: FairQueue<Entry>;
  #supervisor: Supervisor | undefined;
  #scheduled = false;
  #closed = false;
  /** The HSM has been down for longer than calls wait. */
  #hopeless = false;
  #downTimer: NodeJS.Timeout | undefined;
  #idle: () => void = () => undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#queue = new FairQueue(options.queue);
  }

  get waiting(): number {
    return this.#queue.size;
  }

  get inFlight(): number {
    let sum = 0;
    for (const connection of this.#supervisor?.live ?? []) sum += connection.inFlight;
    return sum;
  }

  /** Tells whose connections to use; the two know each other, so this comes after both are made. */
  attach(supervisor: Supervisor): void {
    this.#supervisor = supervisor;
    this.connectionsChanged();
  }

  /** A connection came or went: work is handed out, or those who wait are told that they wait in vain. */
  connectionsChanged(): void {
    const up = this.#supervisor !== undefined && this.#supervisor.live.size > 0;
    if (up) {
      clearTimeout(this.#downTimer);
      this.#downTimer = undefined;
      this.#hopeless = false;
      this.#schedule();
    } else if (this.#supervisor?.trouble?.pinRefused === true) {
      this.#giveUp();
    } else if (!this.#hopeless) {
      this.#downTimer ??= setTimeout(() => this.#giveUp(), this.#options.patience).unref();
    }
  }

  /** A connection answered: there is room for more. */
  roomMade(): void {
    if (this.#queue.size > 0) this.#schedule();
    else if (this.#closed && this.inFlight === 0) this.#idle();
  }

  /**
   * Runs a task on some connection. Calls of one lane keep their order, lanes take turns. Resolves to the token's answer or
   * fault, or to the loss of the connection when the task was repeated too often.
   */
  submit(task: RepeatableTask, lane: string): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError());
      if (this.#hopeless) return reject(this.#options.whyDown());
      if (!this.#queue.add(lane, { task, lane, losses: 0, resolve, reject })) {
        return reject(
          new HsmError('hsm-busy', `cannot take another call: ${this.#queue.size} wait for the HSM already`),
        );
      }
      this.#schedule();
    });
  }

  /** Refuses what waits, then resolves when nothing is in flight, or after `limit` milliseconds. */
  async close(limit: number): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#downTimer);
    for (const { reject } of this.#queue.drain()) reject(closedError());
    if (this.inFlight === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limit);
      this.#idle = () => (clearTimeout(timer), resolve());
    });
  }

  /** Once per turn of the event loop, so that calls made together travel together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#handOut();
    });
  }

  #handOut(): void {
    const batches = new Map<Connection, Job[]>();
    for (;;) {
      const connection = this.#freest(batches);
      const entry = connection ? this.#queue.take() : undefined;
      if (!connection || !entry) break;
      const batch = batches.get(connection) ?? [];
      batch.push({ task: entry.task, settle: (outcome) => this.#settled(entry, outcome) });
      batches.set(connection, batch);
    }
    for (const [connection, jobs] of batches) connection.send(jobs);
  }

  /** The connection with most room. */
  #freest(batches: ReadonlyMap<Connection, readonly Job[]>): Connection | undefined {
    let best: Connection | undefined;
    let bestLoad = Infinity;
    for (const connection of this.#supervisor?.live ?? []) {
      if (!connection.usable) continue;
      const load = connection.inFlight + (batches.get(connection)?.length ?? 0);
      if (load < Math.min(bestLoad, this.#options.perConnection)) [best, bestLoad] = [connection, load];
    }
    return best;
  }

  #settled(entry: Entry, outcome: Outcome): void {
    const repeatable = 'lost' in outcome && ++entry.losses <= LOSSES_BORNE;
    if (!repeatable) return entry.resolve(outcome);
    if (this.#closed) return entry.reject(closedError());
    if (this.#hopeless) return entry.reject(this.#options.whyDown());
    this.#queue.putBack(entry.lane, entry);
    this.#schedule();
  }

  #giveUp(): void {
    this.#downTimer = undefined;
    this.#hopeless = true;
    for (const { reject } of this.#queue.drain()) reject(this.#options.whyDown());
  }
}

function closedError(): HsmError {
  return new HsmError('hsm-closed', 'cannot use the HSM: it is being shut down');
}
