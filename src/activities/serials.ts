import { randomUUID } from 'node:crypto';
import { z } from 'zod';

import {
  decodeAssertion,
  publicKeyFromRsa,
  signAssertion,
  type Assertion,
  type PublicKey,
  type Signer,
} from '../assertions/index.ts';
import { checkSerialAllowed, checkSigningKey } from '../devices/index.ts';
import { sentenceOf } from '../errors.ts';
import { HsmError, parseHsmKeyId, type Hsm, type HsmKeyId, type TokenFinder } from '../hsm/index.ts';
import { findAssertion, type Database } from '../storage/index.ts';
import {
  closePromises,
  intentsToSign,
  modelsUsingKey,
  purgeSpentRequestIds,
  storeSigned,
  strandedIntents,
  strandedWithoutKey,
  tokensWithKeys,
  type IntentToSign,
  type SignedIntent,
} from '../storage/model-service/index.ts';
import { noTracing, type Log, type Tracing } from '../telemetry/index.ts';
import type { ProvisionInput, ProvisionOutcome } from '../workflows/serials-contract.ts';
import { crashPoint } from './crash-point.ts';
import { gone, isFinal, refusals, unkeepable, type Refusal, type Unkeepable } from './serial-refusals.ts';

/** What the making of serials works with. */
export interface SerialActivityDeps {
  readonly database: Pick<Database, 'queries' | 'transaction'>;
  readonly tokens: TokenFinder<Pick<Hsm, 'findKey' | 'sign'>>;
  readonly clock: () => Date;
  /** Told, once for each key of a batch, of promises that no retry keeps. */
  readonly log: Pick<Log, 'warn'>;
  readonly tracing?: Tracing;
  /** Called with each batch that was stored, so that an API in the same process need not look for it. */
  readonly announce?: (
    serials: readonly { readonly id: string; readonly serialAssertion: Uint8Array }[],
  ) => void;
}

/** The type that workflows see. */
export type SerialActivities = ReturnType<typeof createSerialActivities>;

/** An intent without a result that is older than this is nobody's business any more, and the sweep takes it up. */
const STRANDED_AFTER_MS = 60_000;
/** Most intents that one sweep takes of one token, and of one batch of it. */
const SWEEP = 640;
const SWEEP_BATCH = 64;
/** Used request-ids are kept for a day after their time: some clocks are wrong, and some devices slow. */
const KEEP_REQUEST_IDS_MS = 24 * 3600_000;

const headersSchema = z.record(z.string(), z.string());

/** The activities of the queue where the HSM is. */
export function createSerialActivities(deps: SerialActivityDeps) {
  const { tracing = noTracing } = deps;
  /** Looked for once: a whole batch asks for the same key at once. */
  const keys = new Map<string, Promise<PublicKey | undefined>>();
  /** Intents that this process signs right now: two batches that meet do not both ask a slow token. */
  const underWay = new Map<string, Promise<unknown>>();

  function publicKeyOf(hsm: Pick<Hsm, 'findKey'>, id: HsmKeyId): Promise<PublicKey | undefined> {
    const known = keys.get(id);
    if (known !== undefined) return known;
    const reading = hsm.findKey(id).then((found) => found && publicKeyFromRsa(found));
    keys.set(id, reading);
    // What was not found, or could not be looked for, is looked for again by the next batch.
    const forget = () => keys.delete(id);
    reading.then((found) => found ?? forget(), forget);
    return reading;
  }

  async function signer(intent: IntentToSign): Promise<Signer> {
    const id = parseHsmKeyId(intent.hsmKeyId);
    const hsm = deps.tokens.of(intent.token);
    const publicKey = await publicKeyOf(hsm, id);
    if (publicKey?.keyId !== intent.signKeyId) throw gone(intent);
    return { publicKey, signDigest: (sha512) => hsm.sign(id, sha512).catch(goneFrom(intent, id)) };
  }

  /** The key was looked up in time, and is not on its token any more. */
  function goneFrom(intent: IntentToSign, id: HsmKeyId): (failure: unknown) => never {
    return (failure) => {
      if (!(failure instanceof HsmError) || failure.kind !== 'not-found') throw failure;
      keys.delete(id);
      throw gone(intent);
    };
  }

  async function sign(
    intent: IntentToSign,
    accountKeys: ReadonlyMap<string, Assertion>,
  ): Promise<SignedIntent> {
    const headers = headersSchema.parse(intent.headers);
    const [keyId, accountKey] = [intent.signKeyId, accountKeys.get(intent.signKeyId)];
    checkSigningKey({
      keyId,
      accountKey,
      authorityId: headers['authority-id'] ?? '',
      now: deps.clock(),
      headers,
    });
    checkSerialAllowed(accountKey, { keyId, headers, body: intent.body });
    // The signature's own time is the timestamp that was promised: signing again makes the same bytes.
    const signed = await signAssertion(
      { type: 'serial', headers, body: intent.body },
      await signer(intent),
      new Date(intent.timestamp),
    );
    return { intent, assertion: signed.bytes };
  }

  async function signBatch(input: ProvisionInput, closes = false): Promise<ProvisionOutcome> {
    const look = () => intentsToSign(deps.database.queries, input.intents);
    const found = await tracing.span('look up', look);
    const elsewhere = found.flatMap(({ id }) => underWay.get(id) ?? []);
    const own = found.filter(({ id }) => !underWay.has(id));
    const outcome = await signOwn(own, input.batch, closes);
    if (elsewhere.length === 0) return outcome;
    await Promise.allSettled(elsewhere);
    // Signed by the other batch, as a rule; where that failed, it is this one's turn.
    const rest = await signBatch({ ...input, intents: found.map(({ id }) => id) }, closes);
    return sum([outcome, rest]);
  }

  async function signOwn(
    intents: readonly IntentToSign[],
    batch: string,
    closes: boolean,
  ): Promise<ProvisionOutcome> {
    const outcomes = await Promise.allSettled(
      // Each token by itself: what one has signed is stored though another hangs.
      byToken(intents).map((some) => signOnToken(some, batch, closes)),
    );
    return sum(outcomes.map(valueOf));
  }

  async function signOnToken(
    intents: readonly IntentToSign[],
    batch: string,
    closes: boolean,
  ): Promise<ProvisionOutcome> {
    const work = signAndStore(intents, batch, closes);
    for (const { id } of intents) underWay.set(id, work);
    try {
      return await work;
    } finally {
      for (const { id } of intents) underWay.delete(id);
    }
  }

  async function signAndStore(
    intents: readonly IntentToSign[],
    batch: string,
    closes: boolean,
  ): Promise<ProvisionOutcome> {
    const accountKeys = await accountKeysOf(intents);
    crashPoint('serials-before-sign');
    const results = await tracing.span('sign', () =>
      Promise.allSettled(intents.map((intent) => sign(intent, accountKeys))),
    );
    crashPoint('serials-after-sign');
    const signed = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    await tracing.span('store', () => store(signed, batch));
    const failures = results.flatMap((result): unknown[] =>
      result.status === 'rejected' ? [result.reason] : [],
    );
    const refused = refusals(intents, results);
    warn(refused, batch);
    if (closes) await close(refused.map(unkeepable));
    const passing = failures.find((failure) => !isFinal(failure));
    if (passing !== undefined) throw asError(passing);
    return { signed: signed.length, refused: failures.length };
  }

  /** One line for each key: what its promises wait for, or why they end, is the same for all of them. */
  function warn(refused: readonly Refusal[], batch: string): void {
    for (const [key, those] of Map.groupBy(refused, ({ intent }) => intent.signKeyId)) {
      const [first] = those;
      if (first === undefined) continue;
      const facts = { key, hsm: first.intent.token, batch, serials: those.length };
      deps.log.warn(facts, sentenceOf(first.reason));
    }
  }

  async function accountKeysOf(intents: readonly IntentToSign[]): Promise<Map<string, Assertion>> {
    const found = new Map<string, Assertion>();
    for (const keyId of new Set(intents.map(({ signKeyId }) => signKeyId))) {
      const kept = await findAssertion(deps.database.queries, 'account-key', [keyId]);
      if (kept !== undefined) found.set(keyId, decodeAssertion(kept.bytes));
    }
    return found;
  }

  async function store(signed: readonly SignedIntent[], batch: string): Promise<void> {
    if (signed.length === 0) return;
    const inForce = await deps.database.transaction(async (queries) => {
      const stored = await storeSigned(queries, signed, { batch, at: deps.clock() });
      crashPoint('serials-before-commit');
      return stored;
    });
    crashPoint('serials-after-commit');
    const serials = signed.map(({ intent, assertion }) => ({ id: intent.id, serialAssertion: assertion }));
    deps.announce?.(serials.filter(({ id }) => inForce.has(id)));
  }

  async function close(promises: readonly Unkeepable[]): Promise<void> {
    if (promises.length === 0) return;
    await deps.database.transaction(async (queries) => {
      const mislaid = new Set(promises.flatMap((one) => (one.mayComeBack ? [one.intent.signKeyId] : [])));
      for (const keyId of mislaid)
        if ((await modelsUsingKey(queries, keyId)).length === 0) mislaid.delete(keyId);
      const ended = promises.filter((one) => !one.mayComeBack || !mislaid.has(one.intent.signKeyId));
      await closePromises(queries, ended, deps.clock());
      crashPoint('promises-before-close');
    });
    crashPoint('promises-after-close');
  }

  async function sweep(stranded: readonly string[]): Promise<ProvisionOutcome> {
    const outcomes: ProvisionOutcome[] = [];
    for (let at = 0; at < stranded.length; at += SWEEP_BATCH) {
      const intents = stranded.slice(at, at + SWEEP_BATCH);
      outcomes.push(await signBatch({ batch: `sweep-${randomUUID()}`, intents }, true));
    }
    return sum(outcomes);
  }

  return {
    /**
     * Signs those of a batch that are not signed yet, all at once, and stores them with their log in one transaction.
     * What fails for want of HSM or database fails the call, after the rest was stored.
     */
    signSerials: (input: ProvisionInput): Promise<ProvisionOutcome> => signBatch(input),

    /**
     * Signs what no batch signed in time, oldest first, on all tokens at once; closes what no key can sign any more; and forgets
     * used request-ids whose time is long over. Fails at the end when a token fails.
     */
    async sweepSerials(): Promise<ProvisionOutcome> {
      const now = deps.clock().getTime();
      const { queries } = deps.database;
      await purgeSpentRequestIds(queries, new Date(now - KEEP_REQUEST_IDS_MS));
      const before = new Date(now - STRANDED_AFTER_MS);
      const orphans = await strandedWithoutKey(queries, { before, limit: SWEEP });
      await close(orphans.map((intent) => ({ intent, reason: 'key-deleted', mayComeBack: false })));
      const sweeps = (await tokensWithKeys(queries)).map(async (token) =>
        sweep(await strandedIntents(queries, { before, token, limit: SWEEP })),
      );
      const outcomes = (await Promise.allSettled(sweeps)).map(valueOf);
      return sum([{ signed: 0, refused: orphans.length }, ...outcomes]);
    },
  };
}

function byToken(intents: readonly IntentToSign[]): readonly (readonly IntentToSign[])[] {
  return [...Map.groupBy(intents, ({ token }) => token).values()];
}

function valueOf(outcome: PromiseSettledResult<ProvisionOutcome>): ProvisionOutcome {
  if (outcome.status === 'rejected') throw asError(outcome.reason);
  return outcome.value;
}

function sum(outcomes: readonly ProvisionOutcome[]): ProvisionOutcome {
  return outcomes.reduce(
    (one, other) => ({ signed: one.signed + other.signed, refused: one.refused + other.refused }),
    { signed: 0, refused: 0 },
  );
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(sentenceOf(thrown));
}
