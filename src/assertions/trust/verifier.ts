import { refKey, refWords, type Assertion, type AssertionRef, type AssertionSource } from '../assertion.ts';
import { AssertionError } from '../errors.ts';
import { optionalText, text } from '../header-values.ts';
import { instantOf, parseInstant, type Instant } from '../instants.ts';
import { verifySignature } from '../signatures.ts';
import { rulesOf } from '../type-registry.ts';
import type { KnownAssertions } from '../type-rules.ts';
import {
  publicKeyOf,
  requireKeyInForce,
  requireTimestampWithinKey,
  requireWithinConstraints,
} from './key-validity.ts';
import { verifySelfSigned } from './self-signed.ts';

/** What a chain of trust is verified against. */
export interface TrustOptions {
  /** Where signing keys and prerequisites are looked up. */
  readonly source: AssertionSource;
  /** The roots: a source of trusted accounts and account-keys, or a rule that knows trusted account-keys. */
  readonly trusted: AssertionSource | ((accountKey: Assertion) => boolean);
  readonly now: Date;
  /**
   * When keys must be in force: `now` (the default, for what comes in), or at the timestamp of what they signed
   * (`timestamp`, for what came in long ago and is shown again). A revoked key is refused in both.
   */
  readonly keysInForce?: 'now' | 'timestamp';
  /** Whether all that `source` holds was verified when it came in; then it is not verified again. */
  readonly sourceIsVerified?: boolean;
}

/** Longest chain of keys signed by keys. */
const MAX_KEY_DEPTH = 8;

/** Verifies assertions against one set of options; what is verified once is not verified again. */
export class Verifier {
  readonly #options: TrustOptions;
  readonly #now: Instant;
  readonly #verified = new Set<Assertion>();
  readonly #underWay = new Set<string>();
  readonly #fresh: ((assertion: Assertion) => boolean) | undefined;

  /** `isFresh` names assertions that the source holds although nobody verified them yet: those of a batch. */
  constructor(options: TrustOptions, isFresh?: (assertion: Assertion) => boolean) {
    this.#options = options;
    this.#now = instantOf(options.now);
    this.#fresh = isFresh;
  }

  /** Verifies one assertion with all that it rests on; throws AssertionError. */
  async verify(assertion: Assertion): Promise<void> {
    if (this.#verified.has(assertion)) return;
    const key = refKey(assertion);
    if (this.#underWay.has(key)) throw restsOnItself(assertion);
    this.#underWay.add(key);
    try {
      await this.#verifyNow(assertion);
      this.#verified.add(assertion);
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #verifyNow(assertion: Assertion): Promise<void> {
    const rules = rulesOf(assertion.type);
    requireKnownFormat(assertion, rules.maxFormat);
    if (rules.authority === 'none') {
      verifySelfSigned(assertion);
    } else if (!(await this.#isRootAssertion(assertion))) {
      await this.#verifySignedByAccount(assertion);
    }
    for (const ref of rules.prerequisites?.(assertion) ?? []) await this.#requirePrerequisite(assertion, ref);
    if (!(await this.#isRootAssertion(assertion)))
      await rules.checkAgainst?.(assertion, this.#known(assertion));
  }

  async #verifySignedByAccount(assertion: Assertion): Promise<void> {
    const accountKey = await this.#signingKey(assertion);
    requireKeyInForce(accountKey, this.#options.keysInForce === 'timestamp' ? timeOf(assertion) : this.#now);
    requireWithinConstraints(assertion, accountKey);
    verifySignature(assertion, publicKeyOf(accountKey));
    if (rulesOf(assertion.type).timestamped) requireTimestampWithinKey(assertion, accountKey);
    if (!(await this.#isTrustedKey(accountKey)) && this.#mustVerify(accountKey))
      await this.verify(accountKey);
  }

  async #signingKey(assertion: Assertion): Promise<Assertion> {
    const accountKey = await this.#findKey(assertion.signKeyId);
    if (accountKey === undefined) {
      throw new AssertionError(
        'key-unknown',
        `cannot trust ${refWords(assertion)}: the account-key ${assertion.signKeyId} that signed it is not known`,
      );
    }
    if (text(accountKey, 'account-id') !== assertion.authorityId) {
      throw new AssertionError(
        'key-unknown',
        `cannot trust ${refWords(assertion)}: the key that signed it belongs to account ${text(accountKey, 'account-id')}, not to ${assertion.authorityId}`,
      );
    }
    return accountKey;
  }

  async #findKey(keyId: string): Promise<Assertion | undefined> {
    const { trusted, source } = this.#options;
    const root = typeof trusted === 'function' ? undefined : await trusted.find('account-key', [keyId]);
    return root ?? (await source.find('account-key', [keyId]));
  }

  /** Whether a root of trust is at hand; roots stand by themselves and are not checked against anything. */
  async #isRootAssertion(assertion: Assertion): Promise<boolean> {
    const { trusted } = this.#options;
    if (assertion.type === 'account-key') return this.#isTrustedKey(assertion);
    if (assertion.type !== 'account' || typeof trusted === 'function') return false;
    const root = await trusted.find(assertion.type, assertion.primaryKey);
    return root !== undefined && Buffer.compare(root.bytes, assertion.bytes) === 0;
  }

  async #isTrustedKey(accountKey: Assertion): Promise<boolean> {
    const { trusted } = this.#options;
    if (typeof trusted === 'function') return trusted(accountKey);
    const root = await trusted.find('account-key', accountKey.primaryKey);
    return root !== undefined && Buffer.compare(root.bytes, accountKey.bytes) === 0;
  }

  async #requirePrerequisite(assertion: Assertion, ref: AssertionRef): Promise<void> {
    const found = await this.#find(ref);
    if (found === undefined) {
      throw new AssertionError(
        'prerequisite-missing',
        `cannot trust ${refWords(assertion)}: ${refWords(ref)} is not known; add it first`,
      );
    }
    if (found !== assertion && this.#mustVerify(found) && !this.#underWay.has(refKey(found))) {
      await this.verify(found);
    }
  }

  async #find(ref: AssertionRef): Promise<Assertion | undefined> {
    const { trusted, source } = this.#options;
    const root = typeof trusted === 'function' ? undefined : await trusted.find(ref.type, ref.primaryKey);
    return root ?? (await source.find(ref.type, ref.primaryKey));
  }

  #mustVerify(assertion: Assertion): boolean {
    if (this.#verified.has(assertion)) return false;
    return this.#options.sourceIsVerified !== true || (this.#fresh?.(assertion) ?? false);
  }

  #known(assertion: Assertion): KnownAssertions {
    return {
      find: (type, primaryKey) => this.#find({ type, primaryKey }),
      isRoot: async (accountId) => accountId === (await this.#rootAccountOf(assertion)),
    };
  }

  /** The account that owns the trusted key at the end of the chain of keys which signed an assertion. */
  async #rootAccountOf(assertion: Assertion): Promise<string | undefined> {
    let key = await this.#findKey(assertion.signKeyId);
    for (let depth = 0; key !== undefined && depth < MAX_KEY_DEPTH; depth++) {
      if (await this.#isTrustedKey(key)) return text(key, 'account-id');
      key = await this.#findKey(key.signKeyId);
    }
    return undefined;
  }
}

/** A root signs its own account-key: a chain that ends in one which nobody added here comes back to it. */
function restsOnItself(assertion: Assertion): AssertionError {
  const isRoot = assertion.type === 'account-key' && assertion.signKeyId === assertion.primaryKey[0];
  const why = isRoot
    ? `it is the root of ${assertion.authorityId}, which is not trusted here; compare this fingerprint with what its authority says, then run "airlock trust add FILE"`
    : 'it rests on itself';
  return new AssertionError('not-trusted', `cannot trust ${refWords(assertion)}: ${why}`);
}

function requireKnownFormat(assertion: Assertion, maxFormat: number): void {
  if (assertion.format <= maxFormat) return;
  throw new AssertionError(
    'format-unsupported',
    `cannot use ${refWords(assertion)}: its format ${assertion.format} is above ${maxFormat}, the highest known one`,
  );
}

function timeOf(assertion: Assertion): Instant | undefined {
  const value = optionalText(assertion, 'timestamp');
  return value === undefined ? undefined : parseInstant(value);
}
