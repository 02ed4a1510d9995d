import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes, randomUUID } from 'node:crypto';
import { createSerialActivities } from '../../src/activities/serials.ts';
import { Provisioner } from '../../src/api/device/provisioning/provisioner.ts';
import { SerialService } from '../../src/api/device/serial-service.ts';
import { createSerialRoutes } from '../../src/api/device/serials.ts';
import type { Database, Queries } from '../../src/storage/index.ts';
import { signedSerials } from '../../src/storage/model-service/index.ts';
import { noTracing, silentLog, type Tracing } from '../../src/telemetry/index.ts';
import type { TestModelService } from '../support/model-service.ts';
import { InjectedFault } from './faulty.ts';
import type { Gates, Resting, Way } from './gates.ts';
import type { Draft } from './serial-reference.ts';

/** What a host tells of what it did, at the very moment. */
export interface Watcher {
  /** The promise that a digest is of, which the HSM is asked to sign. Throws when nobody was promised such a serial. */
  asksToSign(digest: Uint8Array): Draft;
  /** The HSM made a signature. */
  signed(signature: Uint8Array, draft: Draft): void;
  /** A transaction that decided about these requests, in this order, was committed. */
  decided(requests: readonly string[]): Promise<void>;
  /** A decision about these requests failed, or was told to have failed. */
  failed(requests: readonly string[]): void;
  /** A transaction that stores these signatures was committed. */
  stored(drafts: readonly Draft[]): void;
  /** A transaction that stores none, and so closes promises, was committed. */
  closed(): Promise<void>;
  /** What went wrong and no answer tells. */
  reported(error: unknown): void;
}

export interface GatedHostDeps {
  readonly rig: TestModelService;
  /** A connection of its own. */
  readonly database: Database;
  readonly clock: () => Date;
  readonly gates: Gates;
  readonly watcher: Watcher;
}

/** Where a host stops. */
export type Place = 'decision' | 'decision made' | 'batch' | 'signature' | 'store' | 'stored';

type Phase = 'on its way' | 'admit' | 'wait for the serial';
type Context =
  { readonly kind: 'request'; readonly name: string } | { readonly kind: 'batch'; signed: Draft[] };

/**
 * One host of a Model Service, all of it real, that stops at a gate before and after each thing that another process could see:
 * before and after a transaction, before a batch, before each signature. Where it is meanwhile is known from its spans.
 */
export class GatedHost implements Resting {
  readonly service: SerialService;
  readonly work = new Set<Promise<unknown>>();
  readonly #deps: GatedHostDeps;
  readonly #context = new AsyncLocalStorage<Context>();
  readonly #phases = new Map<string, Phase>();
  readonly #routes: ReturnType<typeof createSerialRoutes>;
  readonly #provisioner: Provisioner;
  readonly #activities: ReturnType<typeof createSerialActivities>;
  #batches = 0;
  #sweeps = 0;
  /** The requests of the transaction that is about to begin. */
  #group: readonly string[] = [];

  constructor(deps: GatedHostDeps) {
    this.#deps = deps;
    const { rig, database, clock, watcher } = deps;
    const tracing = this.#tracing();
    this.#activities = createSerialActivities({
      database: { queries: database.queries, transaction: (work) => this.#store(work) },
      tokens: {
        of: () => ({
          findKey: (id) => this.#busy(rig.hsm.findKey(id)),
          sign: (id, digest) => this.#sign(digest, () => rig.hsm.sign(id, digest)),
        }),
      },
      clock,
      log: silentLog(),
      announce: (serials) => this.#provisioner.announce(serials),
    });
    this.#provisioner = new Provisioner({
      runBatch: (intents) => this.#runBatch(intents),
      lookUp: (intents) => signedSerials(database.queries, intents),
      report: (error) => watcher.reported(error),
      tracing,
      // Nothing here depends on time: no request gives up, and whoever waits is told by the end of a batch.
      patience: 2 ** 30,
      lookEvery: 0,
      linger: 0,
      restartAfter: 0,
      batchTime: Number.MAX_SAFE_INTEGER,
    });
    this.service = new SerialService({
      database: { kind: database.kind, queries: database.queries, transaction: (work) => this.#admit(work) },
      secrets: rig.secrets,
      provisioner: this.#provisioner,
      clock,
      random: (bytes) => randomBytes(bytes),
      tracing,
    });
    this.#routes = createSerialRoutes({
      service: this.service,
      report: (error) => watcher.reported(error),
    });
  }

  /** Posts a stream; `name` tells the request from all others. */
  async ask(name: string, stream: Uint8Array, headers: Record<string, string>): Promise<Response> {
    this.#phases.set(name, 'on its way');
    const request = new Request('http://host/v1/serial', {
      method: 'POST',
      headers,
      body: Buffer.from(stream),
    });
    try {
      return await this.#context.run({ kind: 'request', name }, async () => this.#routes.fetch(request));
    } finally {
      this.#phases.delete(name);
    }
  }

  /** Signs what nobody signs, as the schedule does each minute. */
  async sweep(): Promise<void> {
    this.#sweeps += 1;
    try {
      await this.#context.run({ kind: 'batch', signed: [] }, () => this.#activities.sweepSerials());
    } catch (error) {
      this.#deps.watcher.reported(error);
    } finally {
      this.#sweeps -= 1;
    }
  }

  get isAtRest(): boolean {
    const { gates } = this.#deps;
    const phases = [...this.#phases.values()];
    const isBatchHeld = gates.has(this, /^(?:batch|signature|store)/);
    return (
      !phases.includes('on its way') &&
      (!phases.includes('admit') || gates.has(this, /^decision/)) &&
      (!phases.includes('wait for the serial') || this.#batches > 0) &&
      (this.#batches + this.#sweeps === 0 || isBatchHeld)
    );
  }

  /** Ends as a process does that is killed: whatever is under way goes no further. */
  die(): void {
    this.#deps.gates.abandon(this);
    this.#provisioner.close();
  }

  #tracing(): Tracing {
    const follow = <Result>(phase: Phase, work: () => Result): Result => {
      const context = this.#context.getStore();
      if (context?.kind !== 'request') return work();
      this.#phases.set(context.name, phase);
      const result = work();
      const over = () => {
        if (this.#phases.has(context.name)) this.#phases.set(context.name, 'on its way');
      };
      if (result instanceof Promise) result.then(over, over);
      return result;
    };
    return {
      ...noTracing,
      on: true,
      here: () => {
        const context = this.#context.getStore();
        return context?.kind === 'request' ? context.name : undefined;
      },
      span: (name, work, options) => {
        const begin = () => noTracing.span(name, work);
        if (name === 'admit' || name === 'wait for the serial') return follow(name, begin);
        // Who is judged together: the first request, and those that its span names.
        if (name === 'judge a group') this.#group = [options?.under ?? '', ...(options?.links ?? [])];
        return begin();
      },
    };
  }

  async #admit<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
    const group = this.#group;
    const { watcher, database } = this.#deps;
    const fail = (when: 'before' | 'after') => {
      watcher.failed(group);
      return new InjectedFault(when, 'a decision');
    };
    if ((await this.#gate('decision')) !== 'well') throw fail('before');
    const result = await this.#busy(database.transaction(work));
    await watcher.decided(group);
    if ((await this.#gate('decision made')) !== 'well') throw fail('after');
    return result;
  }

  async #runBatch(intents: readonly string[]): Promise<void> {
    this.#batches += 1;
    try {
      const way = await this.#gate('batch');
      if (way === 'ill') throw new InjectedFault('before', 'a batch');
      if (way === 'lost') return;
      const sign = () => this.#activities.signSerials({ batch: randomUUID(), intents });
      await this.#context.run({ kind: 'batch', signed: [] }, sign);
    } finally {
      this.#batches -= 1;
    }
  }

  async #sign(digest: Uint8Array, sign: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const { watcher } = this.#deps;
    const batch = this.#context.getStore();
    const draft = watcher.asksToSign(digest);
    const way = await this.#gate('signature');
    if (way === 'ill') throw new InjectedFault('before', 'a signature');
    const signature = await this.#busy(sign());
    watcher.signed(signature, draft);
    if (way === 'lost') throw new InjectedFault('after', 'a signature');
    if (batch?.kind === 'batch') batch.signed.push(draft);
    return signature;
  }

  async #store<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
    const batch = this.#context.getStore();
    const drafts = batch?.kind === 'batch' ? batch.signed.splice(0) : [];
    if ((await this.#gate('store')) !== 'well') throw new InjectedFault('before', 'a store');
    const result = await this.#busy(this.#deps.database.transaction(work));
    if (drafts.length > 0) this.#deps.watcher.stored(drafts);
    else await this.#busy(this.#deps.watcher.closed());
    if ((await this.#gate('stored')) !== 'well') throw new InjectedFault('after', 'a store');
    return result;
  }

  #gate(place: Place): Promise<Way> {
    return this.#deps.gates.pass(this, place);
  }

  async #busy<Result>(work: Promise<Result>): Promise<Result> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    this.work.add(settled);
    try {
      return await work;
    } finally {
      this.work.delete(settled);
    }
  }
}
