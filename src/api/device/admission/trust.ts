import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

import {
  decodeAssertion,
  encodeStream,
  optionalText,
  sourceOf,
  supportsOf,
  verifyChain,
  type Assertion,
  type AssertionRef,
} from '../../../assertions/index.ts';
import { DeviceError, type SerialRequest } from '../../../devices/index.ts';
import { AirlockError, sentenceOf } from '../../../errors.ts';
import { assertionSource, findAssertion, trustedRoots, type Queries } from '../../../storage/index.ts';
import { Freshness } from '../freshness.ts';

/** Longest chain that is followed. */
const MAX_CHAIN = 32;

/**
 * What is found under one generation of the catalogue and holds for as long as that does. It is looked for once: the many devices
 * of a fleet that ask meanwhile wait for the same answer.
 */
class Findings<Value> {
  readonly #found: LRUCache<string, { readonly catalog: number; readonly value: Promise<Value> }>;

  constructor(max: number) {
    this.#found = new LRUCache({ max });
  }

  of(key: string, catalog: number, find: () => Promise<Value>): Promise<Value> {
    const known = this.#found.get(key);
    if (known?.catalog === catalog) return known.value;
    const made = { catalog, value: find() };
    this.#found.set(key, made);
    // A failure is told to those who wait for it, and to nobody else.
    made.value.catch(() => this.#found.peek(key) === made && this.#found.delete(key));
    return made.value;
  }

  forget(key: string): void {
    this.#found.delete(key);
  }
}

/**
 * Verifies what a device brings against the trusted roots, and finds what it needs to verify its serial. Fleets send the same
 * model assertion again and again: it is verified once, until something is imported or a key on its way to the root runs out.
 * An account-key that was pushed, by whichever process, so counts from the next request on.
 */
export class ProvisioningTrust {
  readonly #queries: Queries;
  readonly #clock: () => Date;
  readonly #freshness: Freshness;
  /** By the digest of a model: when the first of the keys that it rests on runs out, in milliseconds. */
  readonly #models = new Findings<number>(1024);
  readonly #chains = new Findings<Uint8Array>(256);

  constructor(queries: Queries, clock: () => Date) {
    this.#queries = queries;
    this.#clock = clock;
    this.#freshness = new Freshness(queries);
  }

  /** Throws {@link DeviceError} `model-untrusted`, `remodel-serial-untrusted`. */
  async verify(request: SerialRequest): Promise<void> {
    await this.#verifyModel(request.model);
    if (request.original !== undefined) await this.#verifyFormerSerial(request.original.assertion);
  }

  /** A stream with the serial first, then the account-keys and accounts that lead from it to a root, without the root. */
  async replyFor(serial: Uint8Array, signKeyId: string): Promise<Uint8Array> {
    const { catalog } = await this.#freshness.now();
    const chain = await this.#chains.of(signKeyId, catalog, async () =>
      encodeStream(await this.#chainOf({ type: 'account-key', primaryKey: [signKeyId] })),
    );
    return chain.length === 0 ? serial : encodeStream([{ bytes: serial }, { bytes: chain }]);
  }

  async #verifyModel(model: Assertion): Promise<void> {
    // Read before the chain is: what is pushed meanwhile belongs to the next generation.
    const { catalog } = await this.#freshness.now();
    const digest = createHash('sha256').update(model.bytes).digest('base64');
    const verify = () => this.#models.of(digest, catalog, () => this.#verifyChain(model, 'now'));
    try {
      if (this.#clock().getTime() < (await verify())) return;
      this.#models.forget(digest);
      await verify();
    } catch (cause) {
      if (!(cause instanceof AirlockError)) throw cause;
      throw new DeviceError('model-untrusted', `cannot trust the model assertion: ${sentenceOf(cause)}`, {
        cause,
      });
    }
  }

  async #verifyFormerSerial(serial: Assertion): Promise<void> {
    try {
      await this.#verifyChain(serial, 'timestamp');
    } catch (cause) {
      if (!(cause instanceof AirlockError)) throw cause;
      throw new DeviceError(
        'remodel-serial-untrusted',
        `cannot trust the former serial: ${sentenceOf(cause)}`,
        { cause },
      );
    }
  }

  /** @returns when the first of the keys that were looked at runs out, in milliseconds; Infinity when none does */
  async #verifyChain(assertion: Assertion, keysInForce: 'now' | 'timestamp'): Promise<number> {
    const stored = assertionSource(this.#queries);
    let until = Infinity;
    await verifyChain(assertion, {
      source: {
        find: async (type, primaryKey) => {
          const found = await stored.find(type, primaryKey);
          if (found?.type === 'account-key') until = Math.min(until, endOf(found));
          return found;
        },
      },
      trusted: sourceOf(await trustedRoots(this.#queries)),
      now: this.#clock(),
      keysInForce,
      sourceIsVerified: true,
    });
    return until;
  }

  async #chainOf(start: AssertionRef): Promise<Assertion[]> {
    const found = new Map<string, Assertion>();
    const open = [start];
    for (let ref = open.pop(); ref !== undefined && found.size < MAX_CHAIN; ref = open.pop()) {
      const key = [ref.type, ...ref.primaryKey].join('/');
      if (found.has(key)) continue;
      const kept = await findAssertion(this.#queries, ref.type, ref.primaryKey);
      if (kept === undefined || kept.trusted) continue;
      const assertion = decodeAssertion(kept.bytes);
      found.set(key, assertion);
      open.push(...supportsOf(assertion));
    }
    return [...found.values()];
  }
}

function endOf(accountKey: Assertion): number {
  const until = optionalText(accountKey, 'until');
  return until === undefined ? Infinity : Date.parse(until);
}
