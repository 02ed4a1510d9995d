import { fork, type ChildProcess } from 'node:child_process';
import type { Job, Outcome, Task } from './job.ts';
import {
  answerSchema,
  signedOf,
  tokenSchema,
  type Fault,
  type Request,
  type SignItem,
  type TokenDescription,
} from './protocol.ts';

/** How long each sort of call may take, in milliseconds. */
export interface Deadlines {
  readonly open: number;
  /** Signing, and everything else that is quick. Counted from the last sign of life of the connection. */
  readonly sign: number;
  readonly generate: number;
}

/** How a child process is started and what it opens. */
export interface ConnectionOptions {
  readonly script: URL;
  readonly env: Readonly<Record<string, string>>;
  readonly module: string;
  readonly tokenLabel: string;
  readonly tokenSerial: string | undefined;
  readonly sessions: number;
  readonly deadlines: Deadlines;
  /** Whether a key is being made: a token with one processor signs nothing meanwhile, and that is no reason to give it up. */
  readonly making: () => boolean;
}

/** The token could not be opened; the fault says whether another try may help. */
export class OpenFailed extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.reason);
    this.name = 'OpenFailed';
    this.fault = fault;
  }
}

/** How much of what the child printed to standard error is kept, to say why it ended. */
const STDERR_TAIL = 1000;

interface Pending {
  readonly job: Job;
  /** By when this call must be answered, whatever the connection does otherwise. */
  readonly due: number;
}

/** One child process, which is one connection to the token. It is opened once and never repaired: a lost one is replaced. */
export class Connection {
  /** Settles when the child is gone, with the reason. */
  readonly ended: Promise<string>;
  /** Signatures made here. */
  signatures = 0;
  readonly #options: ConnectionOptions;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #watch: NodeJS.Timeout;
  #onAnswer: () => void = () => undefined;
  #calls = 0;
  #heardAt = performance.now();
  #watchedAt = performance.now();
  #stderr = '';
  #endReason: string | undefined;
  #timedOut = false;
  /** What every call is told once the child is gone. */
  #lost: Outcome | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#child = fork(options.script, [], {
      serialization: 'advanced',
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...options.env, UV_THREADPOOL_SIZE: String(options.sessions + 4) },
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-STDERR_TAIL);
    });
    this.#child.on('message', (message: unknown) => this.#receive(message));
    this.ended = new Promise((resolve) => {
      const end = (reason: string) => resolve(this.#end(reason));
      // Also emitted when a signal or message cannot be sent; only a process that never was has no id.
      this.#child.on('error', (error) => {
        if (this.#child.pid === undefined) end(`the HSM process cannot be started: ${error.message}`);
      });
      this.#child.once('exit', (code, signal) => end(this.#exitReason(code, signal)));
    });
    this.#watch = setInterval(() => this.#checkDeadlines(), watchInterval(options.deadlines));
  }

  /** Whether calls can be handed to it; one that was killed is lost though its process may not have ended yet. */
  get usable(): boolean {
    return this.#endReason === undefined;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  get processId(): number | undefined {
    return this.#child.pid;
  }

  /** Called whenever an answer frees a place. */
  set onAnswer(listener: () => void) {
    this.#onAnswer = listener;
  }

  /** Opens the token and logs in. Throws {@link OpenFailed}; the connection is then ended. */
  async open(pin: string): Promise<TokenDescription> {
    const { module, tokenLabel, tokenSerial, sessions, deadlines } = this.#options;
    const outcome = await this.#ask(deadlines.open, (call) => {
      return { op: 'open', call, module, tokenLabel, tokenSerial, pin, sessions };
    });
    if ('answered' in outcome) return tokenSchema.parse(outcome.answered);
    this.kill('cannot be opened');
    throw new OpenFailed('fault' in outcome ? outcome.fault : { kind: 'connection', reason: outcome.lost });
  }

  /** Hands calls to the child; all signatures travel in one message. */
  send(jobs: readonly Job[]): void {
    const signs: SignItem[] = [];
    for (const job of jobs) {
      const { task } = job;
      const call = this.#register(job, this.#allowance(task));
      if (task.op === 'sign') signs.push({ call, key: task.key, digest: task.digest });
      else this.#post({ ...task, call });
    }
    if (signs.length > 0) this.#post({ op: 'sign', signs });
  }

  /** One call outside any queue. */
  run(task: Task): Promise<Outcome> {
    return new Promise((settle) => this.send([{ task, settle }]));
  }

  /** Ends the child at once; whatever was in flight is told that the connection is lost. */
  kill(reason: string, timedOut = false): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#timedOut = timedOut;
    this.#child.kill('SIGKILL');
  }

  /** Lets the child log out and end by itself, for at most `limit` milliseconds. */
  async close(limit: number): Promise<void> {
    const timer = setTimeout(() => this.kill('closed'), limit);
    await this.#ask(limit, (call) => ({ op: 'close', call }));
    this.kill('closed');
    await this.ended;
    clearTimeout(timer);
  }

  /** A call of the connection itself, outside the queue. */
  #ask(allowance: number, request: (call: number) => Request): Promise<Outcome> {
    return new Promise((settle) => {
      this.#post(request(this.#register({ task: { op: 'ping' }, settle }, allowance)));
    });
  }

  #register(job: Job, allowance: number): number {
    const now = performance.now();
    const lost = this.#lost;
    if (lost) queueMicrotask(() => job.settle(lost));
    if (this.#pending.size === 0) this.#heardAt = now;
    const call = this.#calls++;
    if (!lost) this.#pending.set(call, { job, due: now + allowance });
    return call;
  }

  #post(request: Request): void {
    // A child that is gone cannot be told; its "exit" event settles everything that was in flight.
    this.#child.send(request, undefined, undefined, () => undefined);
  }

  #receive(message: unknown): void {
    this.#heardAt = performance.now();
    const signed = signedOf(message);
    if (signed) {
      this.signatures += signed.length;
      for (const item of signed) this.#settle(item.call, { answered: item });
    } else {
      const answer = answerSchema.safeParse(message);
      if (!answer.success)
        return this.kill('the HSM process sent a message that is not part of the protocol');
      const { data } = answer;
      // A call that met a broken connection is told so when the child is gone, like all the others in flight.
      if ('fault' in data && data.fault.kind === 'connection' && !this.#opening())
        return this.kill(data.fault.reason);
      this.#settle(data.call, 'fault' in data ? { fault: data.fault } : { answered: data.value });
    }
    this.#onAnswer();
  }

  #settle(call: number, outcome: Outcome): void {
    const pending = this.#pending.get(call);
    if (!pending) return;
    this.#pending.delete(call);
    pending.job.settle(outcome);
  }

  /** A call may have to wait for those before it, so it may take as many times longer. */
  #allowance(task: Task): number {
    const { generate } = this.#options.deadlines;
    return task.op === 'generate' ? generate : this.#patience() * (this.#pending.size + 1);
  }

  /** How long the connection may be silent while calls are in flight. */
  #patience(): number {
    const { sign, generate } = this.#options.deadlines;
    return this.#options.making() ? generate : sign;
  }

  #checkDeadlines(): void {
    const now = performance.now();
    const late = now - this.#watchedAt > 2 * watchInterval(this.#options.deadlines);
    this.#watchedAt = now;
    // When our own process was held up, answers may lie unread: give the event loop one turn to read them.
    if (late || this.#pending.size === 0) return;
    const silent = this.#opening() ? 0 : now - this.#heardAt;
    let overdue = silent > this.#patience();
    for (const { due } of this.#pending.values()) overdue ||= now > due;
    if (overdue)
      this.kill(`the token has not answered for ${((now - this.#heardAt) / 1000).toFixed(1)} s`, true);
  }

  /** The first call of a connection opens it, and has a deadline of its own. */
  #opening(): boolean {
    return this.#pending.has(0);
  }

  #exitReason(code: number | null, signal: NodeJS.Signals | null): string {
    const tail = this.#stderr.trim().split('\n').at(-1) ?? '';
    return `the HSM process ended with ${signal ?? `status ${String(code)}`}${tail === '' ? '' : ` (${tail})`}`;
  }

  #end(reason: string): string {
    clearInterval(this.#watch);
    this.#endReason ??= reason;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    this.#lost = { lost: this.#endReason, timedOut: this.#timedOut };
    for (const { job } of lost) job.settle(this.#lost);
    return this.#endReason;
  }
}

function watchInterval(deadlines: Deadlines): number {
  return Math.max(20, Math.min(250, Math.floor(deadlines.sign / 4)));
}
