import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

import {
  decodeAssertion,
  encodeStream,
  sourceOf,
  supportsOf,
  verifyChain,
  type Assertion,
  type AssertionRef,
} from '../../../assertions/index.ts';
import { DeviceError, type SerialRequest } from '../../../devices/index.ts';
import { AirlockError, sentenceOf } from '../../../errors.ts';
import { assertionSource, findAssertion, trustedRoots, type Queries } from '../../../storage/index.ts';

/** How long a verified model, or the chain of a signing key, is not looked at again. Blocks are looked up each time. */
const TRUST_MS = 10_000;
/** Longest chain that is followed. */
const MAX_CHAIN = 32;

/**
 * Verifies what a device brings against the trusted roots, and finds what it needs to verify its serial. Fleets send the same
 * model assertion again and again: it is verified once in ten seconds.
 */
export class ProvisioningTrust {
  readonly #queries: Queries;
  readonly #clock: () => Date;
  readonly #models = new LRUCache<string, true>({ max: 1024, ttl: TRUST_MS });
  readonly #chains = new LRUCache<string, Uint8Array>({ max: 256, ttl: TRUST_MS });

  constructor(queries: Queries, clock: () => Date) {
    this.#queries = queries;
    this.#clock = clock;
  }

  /** Throws {@link DeviceError} `model-untrusted`, `remodel-serial-untrusted`. */
  async verify(request: SerialRequest): Promise<void> {
    await this.#verifyModel(request.model);
    if (request.original !== undefined) await this.#verifyFormerSerial(request.original.assertion);
  }

  /** A stream with the serial first, then the account-keys and accounts that lead from it to a root, without the root. */
  async replyFor(serial: Uint8Array, signKeyId: string): Promise<Uint8Array> {
    let chain = this.#chains.get(signKeyId);
    if (chain === undefined) {
      chain = encodeStream(await this.#chainOf({ type: 'account-key', primaryKey: [signKeyId] }));
      this.#chains.set(signKeyId, chain);
    }
    return chain.length === 0 ? serial : encodeStream([{ bytes: serial }, { bytes: chain }]);
  }

  async #verifyModel(model: Assertion): Promise<void> {
    const digest = createHash('sha256').update(model.bytes).digest('base64');
    if (this.#models.get(digest) === true) return;
    try {
      await this.#verifyChain(model, 'now');
    } catch (cause) {
      if (!(cause instanceof AirlockError)) throw cause;
      throw new DeviceError('model-untrusted', `cannot trust the model assertion: ${sentenceOf(cause)}`, {
        cause,
      });
    }
    this.#models.set(digest, true);
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

  async #verifyChain(assertion: Assertion, keysInForce: 'now' | 'timestamp'): Promise<void> {
    await verifyChain(assertion, {
      source: assertionSource(this.#queries),
      trusted: sourceOf(await trustedRoots(this.#queries)),
      now: this.#clock(),
      keysInForce,
      sourceIsVerified: true,
    });
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
