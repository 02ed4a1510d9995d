import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sentenceOf } from '../errors.ts';
import { Backoff, type BackoffLimits } from './backoff.ts';
import { Connection, OpenFailed, type ConnectionOptions } from './connection.ts';
import type { TokenDescription } from './protocol.ts';

/** How the supervisor opens connections and whom it tells. */
export interface SupervisorOptions {
  readonly connection: ConnectionOptions;
  /** How many connections are kept open. */
  readonly wanted: number;
  /** Read anew before each log-in, so that a corrected PIN is noticed. */
  readonly pin: () => Promise<string>;
  readonly backoff: BackoffLimits;
  /** Mends what can be mended from outside before the token is opened. */
  readonly repair: () => Promise<void>;
  /** How often an idle connection is asked whether it lives, in milliseconds. */
  readonly heartbeat: number;
  /** A connection was opened or lost, or the reason why none is open changed. */
  readonly onChange: () => void;
  readonly onReady: (connection: Connection) => void;
}

/** Why a connection is missing. */
export interface Trouble {
  /** In words, for people. */
  readonly reason: string;
  /** Nothing is tried until the PIN changes, or the token lets one be sent. */
  readonly pinRefused: boolean;
}

/** How often a refused PIN is compared with the one that is set now, and a guarded token asked whether it is free. */
const PIN_POLL = 1000;

/** Keeps the wanted number of connections open: one after another, with growing pauses, and never twice with a refused PIN. */
export class Supervisor {
  /** Settles after the first attempt, whatever came of it. */
  readonly firstAttempt: Promise<void>;
  readonly #options: SupervisorOptions;
  readonly #live = new Set<Connection>();
  readonly #separate = new Set<Connection>();
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  readonly #salt = randomBytes(32);
  readonly #loop: Promise<void>;
  readonly #heart: NodeJS.Timeout;
  /** The PIN that the token refused, as a fingerprint. */
  #refused: { readonly fingerprint: string; readonly reason: string } | undefined;
  /** Whether that is the PIN that was set when it was last looked at. */
  #refusedIsSet = false;
  /** The PIN that the token took last, as a fingerprint. */
  #accepted: string | undefined;
  /** Settles when nobody sends a PIN that was not accepted before. */
  #turn: Promise<unknown> = Promise.resolve();
  #trouble: Trouble | undefined;
  #token: TokenDescription | undefined;
  #nextTryAt = 0;
  #wake: () => void = () => undefined;
  #attempts = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
    let attempted: () => void = () => undefined;
    this.firstAttempt = new Promise((resolve) => (attempted = resolve));
    this.#loop = this.#run(attempted);
    this.#heart = setInterval(() => this.#listen(), options.heartbeat).unref();
  }

  get live(): ReadonlySet<Connection> {
    return this.#live;
  }

  /** Why connections are missing, or nothing when all are there or the first is on its way. */
  get trouble(): Trouble | undefined {
    return this.#live.size < this.#options.wanted ? this.#trouble : undefined;
  }

  /** Why the token does not take the PIN that is set, though connections may be open that logged in with a former one. */
  get pinRefused(): string | undefined {
    return this.#refusedIsSet ? this.#refused?.reason : undefined;
  }

  /** The token as it described itself at the last log-in. */
  get token(): TokenDescription | undefined {
    return this.#token;
  }

  /** Milliseconds until the next attempt. */
  get nextTryIn(): number {
    return Math.max(0, this.#nextTryAt - performance.now());
  }

  /** Connections that were tried to open, since the start. */
  get attempts(): number {
    return this.#attempts;
  }

  /**
   * A connection of its own for one change to the token; the caller ends it. Throws {@link OpenFailed}, without sending a
   * PIN that was refused before.
   */
  async openSeparate(): Promise<Connection> {
    const connection = await this.#logIn({ ...this.#options.connection, sessions: 1 });
    this.#separate.add(connection);
    void connection.ended.then(() => this.#separate.delete(connection));
    return connection;
  }

  /** Closes every connection; those still busy after `limit` milliseconds are killed. */
  async close(limit: number): Promise<void> {
    clearInterval(this.#heart);
    this.#closing.abort();
    this.#wake();
    for (const connection of this.#separate) connection.kill('closed');
    await Promise.all([...this.#live].map((connection) => connection.close(limit)));
    await this.#loop;
  }

  async #run(attempted: () => void): Promise<void> {
    while (!this.#closing.signal.aborted) {
      if (this.#live.size >= this.#options.wanted) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      const pause = await this.#attempt();
      attempted();
      if (pause > 0) await this.#pause(pause);
    }
    attempted();
  }

  /** Opens one more connection; returns how long to wait before the next, in milliseconds. */
  async #attempt(): Promise<number> {
    try {
      this.#adopt(await this.#logIn(this.#options.connection));
      return 0;
    } catch (error) {
      const pinRefused = error instanceof OpenFailed && isPinFault(error);
      this.#report({ reason: sentenceOf(error), pinRefused });
      return pinRefused ? PIN_POLL : this.#backoff.next();
    }
  }

  /**
   * A new connection that has opened the token. A PIN that was not accepted before is sent by one connection at a time, so that a wrong
   * one costs the token a single try however many ask at once.
   */
  async #logIn(options: ConnectionOptions): Promise<Connection> {
    const pin = await this.#options.pin();
    const fingerprint = this.#fingerprint(pin);
    if (fingerprint === this.#accepted) return this.#send(new Connection(options), pin, fingerprint);
    const opened = this.#turn.then(() => {
      this.#refuseAgain(fingerprint);
      return this.#send(new Connection(options), pin, fingerprint);
    });
    this.#turn = opened.then(
      () => undefined,
      () => undefined,
    );
    return opened;
  }

  #refuseAgain(fingerprint: string): void {
    if (this.#refused?.fingerprint !== fingerprint) return;
    this.#refusedIsSet = true;
    throw new OpenFailed({ kind: 'pin', reason: this.#refused.reason });
  }

  /** Opens the token over a new connection, which is ended when that fails. Remembers a PIN that the token refused. */
  async #send(connection: Connection, pin: string, fingerprint: string): Promise<Connection> {
    const stop = () => connection.kill('closed');
    this.#attempts++;
    this.#closing.signal.addEventListener('abort', stop);
    try {
      if (this.#closing.signal.aborted) stop();
      await this.#options.repair();
      this.#token = await connection.open(pin);
      this.#accepted = fingerprint;
      this.#refused = undefined;
      this.#refusedIsSet = false;
      return connection;
    } catch (error) {
      connection.kill('cannot be opened');
      await connection.ended;
      // A guarded token got no PIN, so the same one may be sent once the guard is gone.
      if (error instanceof OpenFailed && error.fault.kind === 'pin') {
        this.#accepted = undefined;
        this.#refused = { fingerprint, reason: error.message };
        this.#refusedIsSet = true;
      }
      throw error;
    } finally {
      this.#closing.signal.removeEventListener('abort', stop);
    }
  }

  #adopt(connection: Connection): void {
    const since = performance.now();
    this.#live.add(connection);
    if (this.#live.size === this.#options.wanted) this.#trouble = undefined;
    void connection.ended.then((reason) => {
      this.#live.delete(connection);
      // One that did its work for a while is replaced at once; one that dies on arrival, with growing pauses.
      if (performance.now() - since > 2000 || connection.signatures > 0) this.#backoff.reset();
      this.#report({ reason, pinRefused: false });
      this.#wake();
    });
    this.#options.onReady(connection);
    this.#options.onChange();
  }

  /** Asks idle connections for a sign of life, so that a lost token is noticed before the next signature needs it. */
  #listen(): void {
    if (this.#refused !== undefined) void this.#lookAtPin();
    for (const connection of this.#live) {
      if (connection.usable && connection.inFlight === 0)
        connection.send([{ task: { op: 'ping' }, settle: () => undefined }]);
    }
  }

  /** Who puts a refused PIN right is not told of it any longer, also while no connection is wanted that would try the new one. */
  async #lookAtPin(): Promise<void> {
    const pin = await this.#options.pin().catch(() => undefined);
    if (pin === undefined) return;
    this.#refusedIsSet = this.#refused?.fingerprint === this.#fingerprint(pin);
  }

  #report(trouble: Trouble): void {
    if (this.#closing.signal.aborted) return;
    this.#trouble = trouble;
    this.#options.onChange();
  }

  async #pause(milliseconds: number): Promise<void> {
    this.#nextTryAt = performance.now() + milliseconds;
    await sleep(milliseconds, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }

  /** A refused PIN is remembered only as a keyed digest, in memory. */
  #fingerprint(pin: string): string {
    return createHmac('sha256', this.#salt).update(pin).digest('base64');
  }
}

function isPinFault({ fault }: OpenFailed): boolean {
  return fault.kind === 'pin' || fault.kind === 'pin-guarded';
}
