import { DeviceError } from '../../../devices/index.ts';
import { noTracing, type TraceParent, type Tracing } from '../../../telemetry/index.ts';
import { Lanes } from './lanes.ts';

/** A serial that is stored. */
export interface StoredSerial {
  readonly id: string;
  readonly serialAssertion: Uint8Array;
}

/** Which device an intent is of: what its batch is found by. */
export interface IntentSubject {
  readonly brandId: string;
  readonly modelName: string;
  readonly serial: string;
}

/** What the provisioner works with. Times are in milliseconds. */
export interface ProvisionerOptions {
  /**
   * Starts a batch and resolves when it is over, however it ended; `stored` resolves when all its serials are seen to be
   * stored, which may be earlier. Rejects when it may not have been started.
   */
  readonly runBatch: (
    intents: readonly string[],
    stored: Promise<void>,
    subjects: readonly IntentSubject[],
  ) => Promise<void>;
  /** The stored serials among the given intents. */
  readonly lookUp: (intents: readonly string[]) => Promise<readonly StoredSerial[]>;
  /** Called with what went wrong with a batch; its devices ask again. */
  readonly report: (error: unknown) => void;
  /** Batches of one HSM token under way at once. One suits a token in software on this machine, a fast external HSM takes more; a quick token gets one more when a full batch waits. @default 1 */
  readonly lanes?: number;
  /** Most intents of one batch. @default 64 */
  readonly batchSize?: number;
  /** How long intents gather for a batch when one is under way already. @default 10 */
  readonly linger?: number;
  /** How long one batch should take at most: a slow token gets smaller ones, so that all wait fairly. @default 2000 */
  readonly batchTime?: number;
  /** Most intents of one HSM token that wait or are under way; beyond it new ones are refused. @default 2000 */
  readonly capacity?: number;
  /** How long a device is kept waiting before it is told to ask again; snapd hangs up after 15 s. @default 12000 */
  readonly patience?: number;
  /**
   * How often the database is asked for the results of other processes; 0 never. After a turn in which a worker of this process told
   * of its results, one is left out; every tenth never. @default 100
   */
  readonly lookEvery?: number;
  /** How long before intents whose batch could not be started are put in line again. @default 1000 */
  readonly restartAfter?: number;
  readonly tracing?: Tracing;
}

/** Most turns to look that are left out, one after the other, because a worker tells by itself. */
const LEFT_OUT = 9;

type Waiter = (serial: Uint8Array | undefined) => void;

/** What is known of an intent in line: since when it waits for its batch, in whose trace, and whose it is. */
interface Arrival {
  readonly at: number;
  readonly trace: TraceParent | undefined;
  readonly subject: IntentSubject | undefined;
}

/** A batch under way: what of it is not seen to be stored, and whom to tell when all is. */
interface Batch {
  readonly left: Set<string>;
  readonly stored: () => void;
}

/**
 * Hands intents to the workers in groups and gives their serials to the requests that wait: at once when idle, else after a
 * short gathering, up to a batch's size, in the order in which they came. An intent stays in line when its device gives up
 * waiting. Results come by {@link announce} from a worker in this process, else from the database row.
 */
export class Provisioner {
  readonly #options: Required<ProvisionerOptions>;
  /** By the token that signs: batches of different tokens do not wait for each other. */
  readonly #lanes = new Map<string, Lanes>();
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #batches = new Map<string, Batch>();
  readonly #arrivals = new Map<string, Arrival>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #looking: NodeJS.Timeout | undefined;
  /** Whether a worker has told of serials since the last turn to look, and how many turns were left out for that. */
  #told = false;
  #leftOut = 0;

  constructor(options: ProvisionerOptions) {
    this.#options = {
      lanes: 1,
      batchSize: 64,
      linger: 10,
      batchTime: 2000,
      capacity: 2000,
      patience: 12_000,
      lookEvery: 100,
      restartAfter: 1000,
      tracing: noTracing,
      ...options,
    };
  }

  /** How many intents wait or are under way. */
  get load(): number {
    return [...this.#lanes.values()].reduce((sum, { load }) => sum + load, 0);
  }

  /**
   * Throws {@link DeviceError} `too-busy` when no further intent of this HSM token would be taken: ask before anything is
   * recorded. An intent that is in line already keeps its place.
   */
  checkCapacity(token: string, intent?: string): void {
    const lanes = this.#lanes.get(token);
    if (lanes === undefined || (intent !== undefined && lanes.has(intent))) return;
    if (lanes.load >= this.#options.capacity) {
      throw new DeviceError(
        'too-busy',
        'cannot take the request now: too many devices wait for their serials; ask again',
      );
    }
  }

  /**
   * The serial of an intent, whose key is on the given HSM token, once it is stored; undefined when that takes longer than a
   * device should wait. `subject` is what its batch is found by.
   */
  obtain(intent: string, token: string, subject?: IntentSubject): Promise<Uint8Array | undefined> {
    this.#noteArrival(intent, subject);
    this.#lanesOf(token).add(intent);
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(intent) ?? new Set<Waiter>();
      const waiter: Waiter = (serial) => {
        clearTimeout(patience);
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiters.delete(intent);
        resolve(serial);
      };
      const patience = setTimeout(() => waiter(undefined), this.#options.patience);
      this.#waiters.set(intent, waiters.add(waiter));
      this.#lookLater();
    });
  }

  /** Tells of serials that a worker stored. */
  announce(serials: readonly StoredSerial[]): void {
    // Of its own batches alone: those of other processes may be what its workers have in hand, and its own in theirs.
    this.#told ||= serials.some(({ id }) => this.#batches.has(id));
    this.#settleAll(serials);
  }

  #settleAll(serials: readonly StoredSerial[]): void {
    for (const { id, serialAssertion } of serials) {
      this.#settle(id, serialAssertion);
      const batch = this.#batches.get(id);
      if (batch?.left.delete(id) === true && batch.left.size === 0) batch.stored();
    }
  }

  /** Lets everybody who waits go; their devices ask again. */
  close(): void {
    for (const lanes of this.#lanes.values()) lanes.close();
    clearTimeout(this.#looking);
    for (const restart of this.#restarts) clearTimeout(restart);
    for (const intent of [...this.#waiters.keys()]) this.#settle(intent, undefined);
  }

  #noteArrival(intent: string, subject: IntentSubject | undefined): void {
    if (this.#batches.has(intent) || this.#arrivals.has(intent)) return;
    this.#arrivals.set(intent, { at: performance.now(), trace: this.#options.tracing.here(), subject });
  }

  #settle(intent: string, serial: Uint8Array | undefined): void {
    for (const waiter of [...(this.#waiters.get(intent) ?? [])]) waiter(serial);
  }

  #lanesOf(token: string): Lanes {
    const known = this.#lanes.get(token);
    if (known) return known;
    const made = new Lanes({ ...this.#options, run: (intents) => this.#run(intents, token) });
    this.#lanes.set(token, made);
    return made;
  }

  async #run(intents: readonly string[], token: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const batch: Batch = { left: new Set(intents), stored: resolve };
    for (const intent of intents) this.#batches.set(intent, batch);
    try {
      await this.#runInTrace(intents, promise);
      await this.#finish([...batch.left]);
      for (const intent of intents) this.#arrivals.delete(intent);
    } catch (error) {
      this.#options.report(error);
      this.#restart(intents, token);
    } finally {
      for (const intent of intents) this.#batches.delete(intent);
    }
  }

  /** A batch is shown in the trace of the request that came first. It names the others, and their waiting names it. */
  #runInTrace(intents: readonly string[], stored: Promise<void>): Promise<void> {
    const { tracing, runBatch } = this.#options;
    const arrivals = intents.flatMap((intent) => this.#arrivals.get(intent) ?? []);
    const subjects = arrivals.flatMap(({ subject }) => subject ?? []);
    const [first = null, ...others] = arrivals.flatMap(({ trace }) => trace ?? []);
    const work = () => {
      const batch = tracing.here();
      const to = performance.now();
      for (const { trace, at } of arrivals)
        if (trace !== undefined)
          tracing.note(
            'queue',
            { from: at, to },
            { under: trace, links: batch === undefined ? [] : [batch] },
          );
      return runBatch(intents, stored, subjects);
    };
    const facts = { 'airlock.batch.size': intents.length };
    return tracing.span('batch', work, { under: first, links: others, facts });
  }

  /** Looks a last time for serials that nobody announced. One that is not there was not made: its device asks again, and is judged anew. */
  async #finish(left: readonly string[]): Promise<void> {
    if (left.length === 0) return;
    this.#settleAll(await this.#options.lookUp(left));
    for (const intent of left) this.#settle(intent, undefined);
  }

  #restart(intents: readonly string[], token: string): void {
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      for (const intent of intents) {
        if (this.#waiters.has(intent)) this.#lanesOf(token).add(intent);
        else this.#arrivals.delete(intent);
      }
    }, this.#options.restartAfter);
    this.#restarts.add(restart);
  }

  #lookLater(): void {
    if (this.#options.lookEvery === 0 || this.#looking !== undefined) return;
    this.#looking = setTimeout(() => void this.#look(), this.#options.lookEvery);
  }

  async #look(): Promise<void> {
    const leaveOut = this.#told && this.#leftOut < LEFT_OUT;
    this.#told = false;
    this.#leftOut = leaveOut ? this.#leftOut + 1 : 0;
    try {
      if (!leaveOut) this.#settleAll(await this.#options.lookUp([...this.#waiters.keys()].slice(0, 500)));
    } catch (error) {
      this.#options.report(error);
    }
    this.#looking = undefined;
    if (this.#waiters.size > 0) this.#lookLater();
  }
}
