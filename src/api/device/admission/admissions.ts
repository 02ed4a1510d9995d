import { hash, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';

import { crashPoint } from '../../../activities/crash-point.ts';
import { DeviceError, isDecidedInTurn } from '../../../devices/index.ts';
import { AirlockError } from '../../../errors.ts';
import { addAssertions, holdLocks, type Database, type Queries } from '../../../storage/index.ts';
import { addIntents, noteApiKeyUse, spendRequestIds } from '../../../storage/model-service/index.ts';
import type { TraceParent, Tracing } from '../../../telemetry/index.ts';
import type { Admission, Applicant } from './applicant.ts';
import type { Bench } from './bench.ts';
import { readGroupFacts } from './group-facts.ts';
import { judge } from './judge.ts';
import { ModelBook, type ModelOf } from './model-book.ts';

/** What admissions work with. */
export interface AdmissionDeps {
  readonly database: Pick<Database, 'kind' | 'transaction'>;
  readonly clock: () => Date;
  readonly tracing: Tracing;
  readonly apiKeyPepper: KeyObject;
  readonly claimSecret: (brandId: string, model: string, salt: string | undefined) => Uint8Array;
  /** Throws {@link DeviceError} `too-busy` when too many wait for this HSM token. */
  readonly checkCapacity: (token: string, intent?: string) => void;
}

interface Entry {
  readonly applicant: Applicant;
  readonly trace: TraceParent | undefined;
  readonly resolve: (admission: Admission) => void;
  readonly reject: (error: unknown) => void;
}

/** Most applicants of one transaction. */
const GROUP = 64;
/** A group is complete when nobody came for so long, in milliseconds. */
const GATHER_MS = 2;
/** Most applicants that wait for their transaction. */
const MAX_WAITING = 2000;
/** How often a group is tried when the database fails or another process was quicker with a serial. */
const ATTEMPTS = 3;
/** The last use of an API key is noted at most this often, in milliseconds. */
const NOTE_USE_EVERY = 60_000;

/**
 * Judges applicants and records their intents. Those who come together, or while a transaction runs, share one, which makes
 * the database's part of a serial small; each still gets its own answer or error.
 */
export class Admissions {
  readonly #deps: AdmissionDeps;
  readonly #book = new ModelBook();
  /** Models, by the digest of their bytes, that are known to be kept. */
  readonly #keptModels = new LRUCache<string, true>({ max: 1000 });
  readonly #noted = new Map<string, number>();
  #waiting: Entry[] = [];
  #running = false;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  /**
   * Throws `DeviceError`, `too-busy` when too many wait for the database already, or what the database throws when it fails
   * more than once.
   */
  async admit(applicant: Applicant): Promise<Admission> {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new DeviceError(
        'too-busy',
        'cannot take the request now: too many wait for the database; ask again',
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ applicant, trace: this.#deps.tracing.here(), resolve, reject });
      if (this.#running) return;
      this.#running = true;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      const group = this.#waiting.slice(0, GROUP);
      this.#waiting = this.#waiting.slice(GROUP);
      await this.#admitGroup(group, ATTEMPTS);
    }
    this.#running = false;
  }

  /** Waits for as long as others come: the devices of a batch ask again together, and a transaction for each few would cost more. */
  async #gather(): Promise<void> {
    for (let here = 0; here < this.#waiting.length && here < GROUP;) {
      here = this.#waiting.length;
      await sleep(GATHER_MS);
    }
  }

  async #admitGroup(group: readonly Entry[], attempts: number): Promise<void> {
    try {
      const outcomes = await this.#inTrace(group, () =>
        this.#deps.database.transaction((queries) => this.#judgeGroup(queries, group)),
      );
      crashPoint('intent-after-commit');
      for (const deliver of outcomes) deliver();
    } catch (error) {
      if (attempts <= 1) for (const { reject } of group) reject(error);
      // One by one: whatever fails in one request must not fail the others.
      else
        for (const entry of group)
          await this.#admitGroup([entry], group.length === 1 ? attempts - 1 : ATTEMPTS - 1);
    }
  }

  /** The transaction of a group is shown in the trace of the first, which names the others. */
  #inTrace<Result>(group: readonly Entry[], work: () => Promise<Result>): Promise<Result> {
    const [first = null, ...others] = group.flatMap(({ trace }) => trace ?? []);
    const facts = { 'airlock.group.size': group.length };
    return this.#deps.tracing.span('judge a group', work, { under: first, links: others, facts });
  }

  /** @returns what to tell each applicant once the transaction is committed */
  async #judgeGroup(queries: Queries, group: readonly Entry[]): Promise<(() => void)[]> {
    const applicants = group.map(({ applicant }) => applicant);
    const modelOf = await this.#book.read(queries, new Set(applicants.map(({ request }) => request.brandId)));
    await holdLocks(
      queries,
      this.#deps.database.kind,
      applicants.flatMap((applicant) => decidedAlone(applicant, modelOf)),
    );
    const facts = await readGroupFacts(queries, applicants, modelOf);
    const bench: Bench = {
      queries,
      facts,
      now: this.#deps.clock(),
      apiKeyPepper: this.#deps.apiKeyPepper,
      claimSecret: (brandId, model) =>
        this.#deps.claimSecret(brandId, model, modelOf(brandId, model)?.salts.claims),
      checkCapacity: this.#deps.checkCapacity,
      signingOf: (keyId) => this.#book.signingOf(queries, keyId),
      intents: [],
      spent: [],
      models: [],
      apiKeyUses: [],
    };
    const outcomes: (() => void)[] = [];
    for (const { applicant, resolve, reject } of group) {
      const model = modelOf(applicant.request.brandId, applicant.request.modelName);
      outcomes.push(
        await judge(bench, applicant, model).then(
          (admission) => () => resolve(admission),
          (error: unknown) => {
            if (!isRefusal(error)) throw error;
            return () => reject(error);
          },
        ),
      );
    }
    await addIntents(queries, bench.intents);
    await spendRequestIds(queries, bench.spent);
    outcomes.push(await this.#keepModels(queries, bench));
    await this.#noteUses(queries, bench);
    crashPoint('intent-before-commit');
    return outcomes;
  }

  /**
   * Keeps models that let others than the brand sign their serials. When such a device is remodelled, it brings its former
   * serial without the former model (protocol/devices.md 1.4), which alone says that the serial is good.
   *
   * @returns what to do once the transaction is committed
   */
  async #keepModels(queries: Queries, { models, now }: Bench): Promise<() => void> {
    const fresh = new Map(models.map((model) => [hash('sha256', model.bytes, 'base64'), model]));
    for (const digest of this.#keptModels.keys()) fresh.delete(digest);
    await addAssertions(queries, [...fresh.values()], { at: now });
    return () => {
      for (const digest of fresh.keys()) this.#keptModels.set(digest, true);
    };
  }

  async #noteUses(queries: Queries, bench: Bench): Promise<void> {
    const now = bench.now.getTime();
    const due = new Map<string, (typeof bench.apiKeyUses)[number] & { at: Date }>();
    for (const use of bench.apiKeyUses) {
      const key = `${use.brandId}/${use.modelName}/${use.name}`;
      if (now - (this.#noted.get(key) ?? 0) < NOTE_USE_EVERY) continue;
      this.#noted.set(key, now);
      due.set(key, { ...use, at: bench.now });
    }
    await noteApiKeyUse(queries, [...due.values()]);
  }
}

/**
 * What no other host may decide about at the same time: the identities of a device key, and a model whose devices are counted
 * or share a list.
 */
function decidedAlone({ request }: Applicant, modelOf: ModelOf): string[] {
  const { brandId, modelName } = request;
  const model = modelOf(brandId, modelName);
  const device = `device-key/${brandId}/${request.deviceKey.keyId}`;
  return model !== undefined && isDecidedInTurn(model.enrolment)
    ? [device, `model/${brandId}/${modelName}`]
    : [device];
}

/** A refusal is an answer to one applicant; anything else is a failure of the whole transaction. */
function isRefusal(error: unknown): boolean {
  return error instanceof AirlockError && error.kind !== 'internal';
}
