import { setTimeout as sleep } from 'node:timers/promises';
import { OpenFailed, type Connection } from './connection.ts';
import { HsmError, errorOfFault } from './errors.ts';
import type { HsmKeyId } from './hsm.ts';
import type { Outcome, WritingTask } from './job.ts';
import type { RsaPublicKey } from './key-store.ts';
import { publicKeySchema } from './protocol.ts';

/** What changing the token needs of the connections to it. */
export interface KeyWriterOptions {
  readonly openSeparate: () => Promise<Connection>;
  /** Resolves when the HSM answers; throws {@link HsmError} when it does not. */
  readonly reachable: () => Promise<unknown>;
  readonly find: (id: HsmKeyId) => Promise<RsaPublicKey | undefined>;
  /** Milliseconds for which a key whose generation was cut off may still appear. */
  readonly settle: number;
  /** Called before a new key is handed out. */
  readonly makeDurable: () => Promise<void>;
}

const KEY_BITS = 4096;
const ATTEMPTS = 3;
const OPEN_ATTEMPTS = 5;

/**
 * Makes and deletes keys, each over a connection of its own: signing goes on meanwhile, and the connections that sign never
 * change the token, so that they always see what is on it.
 */
export class KeyWriter {
  readonly #options: KeyWriterOptions;
  #making = 0;

  constructor(options: KeyWriterOptions) {
    this.#options = options;
  }

  /** Whether a key is being made. */
  get making(): boolean {
    return this.#making > 0;
  }

  /** The key with this id, made unless it is there. Throws {@link HsmError}. */
  async generate(id: HsmKeyId, label: string): Promise<RsaPublicKey> {
    let reason = '';
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = await this.#generateOnce(id, label);
      if ('answered' in outcome) {
        await this.#options.makeDurable();
        return publicKeySchema.parse(outcome.answered);
      }
      if ('fault' in outcome) throw errorOfFault(outcome.fault);
      reason = outcome.lost;
      const late = await this.#awaitLateKey(id);
      if (late) return late;
    }
    throw new HsmError('hsm-timeout', `cannot make the key, after ${ATTEMPTS} attempts: ${reason}`);
  }

  /** Removes the key; no error when it is not there. Throws {@link HsmError}. */
  async delete(id: HsmKeyId): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = await this.#run({ op: 'delete', key: id });
      if ('answered' in outcome) return;
      if ('fault' in outcome) throw errorOfFault(outcome.fault);
    }
    throw new HsmError(
      'hsm-unavailable',
      'cannot delete the key: the connection to the HSM was lost each time',
    );
  }

  async #generateOnce(id: HsmKeyId, label: string): Promise<Outcome> {
    this.#making++;
    try {
      return await this.#run({ op: 'generate', key: id, label, bits: KEY_BITS });
    } finally {
      this.#making--;
    }
  }

  async #run(task: WritingTask): Promise<Outcome> {
    const connection = await this.#open();
    try {
      return await connection.run(task);
    } finally {
      connection.kill('its work is done');
    }
  }

  /** SoftHSM now and then refuses a process that opens it while others do, so one refusal means little. */
  async #open(): Promise<Connection> {
    for (let attempt = 1; ; attempt++) {
      await this.#options.reachable();
      try {
        return await this.#options.openSeparate();
      } catch (error) {
        if (!(error instanceof OpenFailed)) throw error;
        const { kind } = error.fault;
        if (attempt === OPEN_ATTEMPTS || kind === 'pin' || kind === 'pin-guarded')
          throw errorOfFault(error.fault);
      }
      await sleep(Math.random() * 200 * attempt);
    }
  }

  /** A token goes on making a key when nobody waits for it any more: the next one is not begun before this one had its time. */
  async #awaitLateKey(id: HsmKeyId): Promise<RsaPublicKey | undefined> {
    const until = performance.now() + this.#options.settle;
    for (;;) {
      const found = await this.#options.find(id);
      if (found || performance.now() >= until) return found;
      await sleep(Math.min(1000, this.#options.settle));
    }
  }
}
