import { createHash } from 'node:crypto';
import { z } from 'zod';
import { sentenceOf } from '../errors.ts';
import { TOKEN_BACKOFF } from './backoff.ts';
import type { ConnectionOptions } from './connection.ts';
import { Dispatcher } from './dispatcher.ts';
import { HsmError, errorOfFault } from './errors.ts';
import {
  parseHsmKeyId,
  type Hsm,
  type HsmKey,
  type HsmKeyId,
  type HsmProbe,
  type HsmStatus,
  type SigningTimes,
} from './hsm.ts';
import type { RepeatableTask } from './job.ts';
import type { RsaPublicKey } from './key-store.ts';
import { KeyWriter } from './key-writer.ts';
import { keyListSchema, publicKeySchema } from './protocol.ts';
import type { SoftHsmFiles } from './softhsm-files.ts';
import { describe, stateOf } from './status.ts';
import { Supervisor } from './supervisor.ts';
import { VerificationKey } from './verification.ts';

/** Everything that {@link TokenHsm} needs, defaults filled in; times in milliseconds. */
export interface TokenHsmOptions {
  readonly connection: Omit<ConnectionOptions, 'making'>;
  readonly pin: () => Promise<string>;
  readonly children: number;
  readonly queue: number;
  readonly patience: number;
  readonly settleGeneration: number;
  readonly heartbeat: number;
  readonly probeEvery: number;
  readonly keysInUse: () => Promise<readonly HsmKeyId[]>;
  readonly onSigned: ((times: SigningTimes) => void) | undefined;
  /** The files of an embedded token, which need some care. */
  readonly files: SoftHsmFiles | undefined;
}

const SHA512_BYTES = 64;
/** Lane of everything that is not a signature. */
const DESK = '';
/** Not the digest of anything that has a meaning as an assertion. */
const PROBE_DIGEST = createHash('sha512').update('airlock: test of the signing key').digest();

/** The {@link Hsm} over child processes: looks after public keys, verification, repetition and counts. */
export class TokenHsm implements Hsm {
  readonly #options: TokenHsmOptions;
  readonly #dispatcher: Dispatcher;
  readonly #supervisor: Supervisor;
  readonly #writer: KeyWriter;
  readonly #keys = new Map<HsmKeyId, Promise<VerificationKey>>();
  readonly #ready = new Map<HsmKeyId, VerificationKey>();
  readonly #generations = new Map<HsmKeyId, Promise<RsaPublicKey>>();
  readonly #signatures = new Map<HsmKeyId, number>();
  readonly #probeTimer: NodeJS.Timeout | undefined;
  #lastProbe: HsmProbe | undefined;
  #inUse: readonly HsmKeyId[] = [];
  #closed = false;

  constructor(options: TokenHsmOptions) {
    this.#options = options;
    this.#dispatcher = new Dispatcher({
      queue: options.queue,
      perConnection: options.connection.sessions * 2,
      patience: options.patience,
      whyDown: () => this.#whyDown(),
    });
    this.#supervisor = new Supervisor({
      connection: { ...options.connection, making: () => this.#writer.making },
      wanted: options.children,
      pin: options.pin,
      backoff: TOKEN_BACKOFF,
      repair: async () => options.files?.repair(),
      heartbeat: options.heartbeat,
      onChange: () => this.#dispatcher.connectionsChanged(),
      onReady: (connection) => {
        connection.onAnswer = () => this.#dispatcher.roomMade();
        this.#probeAnew();
      },
    });
    this.#dispatcher.attach(this.#supervisor);
    this.#writer = new KeyWriter({
      openSeparate: () => this.#supervisor.openSeparate(),
      reachable: () => this.#ask({ op: 'ping' }, DESK),
      find: (id) => this.findKey(id),
      settle: options.settleGeneration,
      makeDurable: async () => options.files?.sync(),
    });
    if (options.probeEvery > 0)
      this.#probeTimer = setInterval(() => void this.probe(), options.probeEvery).unref();
  }

  /** Resolves after the first attempt to reach the token, whether or not it succeeded. */
  get firstAttempt(): Promise<void> {
    return this.#supervisor.firstAttempt;
  }

  generateKey(id: HsmKeyId, label: string): Promise<RsaPublicKey> {
    const underWay = this.#generations.get(id);
    if (underWay) return underWay;
    const generation = this.#writer.generate(id, label).finally(() => this.#generations.delete(id));
    this.#generations.set(id, generation);
    return generation;
  }

  async findKey(id: HsmKeyId): Promise<RsaPublicKey | undefined> {
    return publicKeySchema.nullable().parse(await this.#ask({ op: 'find', key: id }, DESK)) ?? undefined;
  }

  async listKeys(): Promise<HsmKey[]> {
    const keys = keyListSchema.parse(await this.#ask({ op: 'list' }, DESK));
    return keys.map((key) => ({ ...key, id: parseHsmKeyId(key.id) }));
  }

  async deleteKey(id: HsmKeyId): Promise<void> {
    this.#forget(id);
    await this.#writer.delete(id);
    this.#forget(id);
  }

  async sign(id: HsmKeyId, sha512: Uint8Array): Promise<Uint8Array> {
    const signature = await this.#signVerified(id, sha512);
    this.#signatures.set(id, (this.#signatures.get(id) ?? 0) + 1);
    return signature;
  }

  signMany(id: HsmKeyId, digests: readonly Uint8Array[]): Promise<Uint8Array[]> {
    return Promise.all(digests.map((digest) => this.sign(id, digest)));
  }

  status(): HsmStatus {
    const { live, trouble, pinRefused, token, attempts, nextTryIn } = this.#supervisor;
    const { children, connection } = this.#options;
    const view = {
      open: live.size,
      wanted: children,
      trouble,
      pinRefused,
      nextTryIn,
      closed: this.#closed,
      label: connection.tokenLabel,
    };
    return {
      state: stateOf(view),
      words: describe(view),
      pinRefused,
      token,
      connections: { open: live.size, wanted: children, attempts },
      waiting: this.#dispatcher.waiting,
      inFlight: this.#dispatcher.inFlight,
      signatures: new Map(this.#signatures),
      lastProbe: this.#lastProbe,
    };
  }

  async probe(): Promise<HsmProbe> {
    const at = new Date();
    try {
      this.#lastProbe = { at, ...(await this.#tried(await this.#knownInUse())), failure: undefined };
    } catch (error) {
      const failure = sentenceOf(error);
      this.#lastProbe = { at, milliseconds: undefined, key: undefined, missing: [], failure };
    }
    return this.#lastProbe;
  }

  /** That nobody can say which keys are in use is no fault of the token: then it is those of the last time. */
  async #knownInUse(): Promise<readonly HsmKeyId[]> {
    try {
      this.#inUse = await this.#options.keysInUse();
    } catch {
      // Whoever keeps them tells that it is away.
    }
    return this.#inUse;
  }

  /** A test signature by the first key that is there, and a look for each of the others. */
  async #tried(keys: readonly HsmKeyId[]): Promise<Omit<HsmProbe, 'at' | 'failure'>> {
    const missing: HsmKeyId[] = [];
    let signed: { readonly key: HsmKeyId; readonly milliseconds: number } | undefined;
    for (const key of keys) {
      const start = performance.now();
      const there =
        signed === undefined ? await this.#signsWith(key) : (await this.findKey(key)) !== undefined;
      if (!there) missing.push(key);
      else signed ??= { key, milliseconds: performance.now() - start };
    }
    if (signed !== undefined) return { ...signed, missing };
    const start = performance.now();
    await this.#ask({ op: 'ping' }, DESK);
    return { key: undefined, milliseconds: performance.now() - start, missing };
  }

  /** Whether the token holds the key, which then has signed. */
  async #signsWith(key: HsmKeyId): Promise<boolean> {
    try {
      await this.#signVerified(key, PROBE_DIGEST);
      return true;
    } catch (error) {
      if (error instanceof HsmError && error.code === 'hsm-key-not-found') return false;
      throw error;
    }
  }

  /** What was found while the token was away, or another in its place, is not told for another minute once it is back. */
  #probeAnew(): void {
    const { failure, missing = [] } = this.#lastProbe ?? {};
    if (this.#probeTimer === undefined) return;
    if (failure !== undefined || missing.length > 0) void this.probe();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#probeTimer);
    const limit = this.#options.connection.deadlines.sign;
    await this.#dispatcher.close(limit);
    await this.#supervisor.close(limit);
  }

  async #signVerified(id: HsmKeyId, sha512: Uint8Array): Promise<Uint8Array> {
    if (sha512.length !== SHA512_BYTES) {
      throw new HsmError(
        'hsm-input-invalid',
        `cannot sign a digest of ${sha512.length} bytes: SHA-512 has ${SHA512_BYTES}`,
      );
    }
    // The second time with a public key read anew: the token may have been replaced by a copy with other keys.
    for (let attempt = 0; attempt < 2; attempt++) {
      const key = this.#ready.get(id) ?? (await this.#key(id));
      const asked = performance.now();
      const made = madeSchema.parse(await this.#ask({ op: 'sign', key: id, digest: sha512 }, id));
      this.#options.onSigned?.({ asked, answered: performance.now(), onToken: made.milliseconds });
      const { signature } = made;
      if (key.accepts(sha512, signature)) return signature;
      this.#forget(id);
    }
    throw new HsmError(
      'hsm-signature-wrong',
      `cannot use the signature that the token made: it does not verify with key ${id}`,
    );
  }

  #key(id: HsmKeyId): Promise<VerificationKey> {
    const known = this.#keys.get(id);
    if (known) return known;
    const reading = this.#readKey(id);
    this.#keys.set(id, reading);
    reading.catch(() => this.#keys.delete(id));
    return reading;
  }

  async #readKey(id: HsmKeyId): Promise<VerificationKey> {
    const publicKey = await this.findKey(id);
    if (!publicKey)
      throw new HsmError('hsm-key-not-found', `cannot use the key: the token holds none with the id ${id}`);
    const key = new VerificationKey(publicKey);
    this.#ready.set(id, key);
    return key;
  }

  #forget(id: HsmKeyId): void {
    this.#keys.delete(id);
    this.#ready.delete(id);
  }

  async #ask(task: RepeatableTask, lane: string): Promise<unknown> {
    const outcome = await this.#dispatcher.submit(task, lane);
    if ('answered' in outcome) return outcome.answered;
    if ('fault' in outcome) {
      if (outcome.fault.kind === 'key-missing' && 'key' in task) this.#forget(parseHsmKeyId(task.key));
      throw errorOfFault(outcome.fault);
    }
    const code = outcome.timedOut ? 'hsm-timeout' : 'hsm-unavailable';
    throw new HsmError(code, `cannot get an answer from the HSM: ${outcome.lost}`);
  }

  #whyDown(): HsmError {
    const code = this.#supervisor.trouble?.pinRefused === true ? 'hsm-pin-refused' : 'hsm-unavailable';
    return new HsmError(code, `cannot use the HSM: ${this.status().words}`);
  }
}

const madeSchema = z.object({ signature: z.instanceof(Uint8Array), milliseconds: z.number() });
