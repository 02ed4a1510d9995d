import { randomUUID } from 'node:crypto';

import {
  checkBlocks,
  checkRequestIdInTime,
  DeviceError,
  draftSerial,
  matchApiKey,
} from '../../../devices/index.ts';
import { text, type Assertion } from '../../../assertions/index.ts';
import { appendAct, type Queries } from '../../../storage/index.ts';
import {
  addHistory,
  addBlock,
  promisedRevision,
  redraftIntent,
  type IntentRecord,
  type NewIntent,
} from '../../../storage/model-service/index.ts';
import type { Admission, Applicant } from './applicant.ts';
import { enrol } from './enrol.ts';
import type { GroupFacts } from './group-facts.ts';
import type { ModelEntry, SigningEntry } from './model-book.ts';
import { authorityFor } from './signing-authority.ts';

/** What an applicant is judged with, inside the transaction of its group. */
export interface Bench {
  readonly queries: Queries;
  readonly facts: GroupFacts;
  readonly now: Date;
  readonly apiKeyPepper: Uint8Array;
  readonly claimSecret: (brandId: string, model: string) => Uint8Array;
  /** Throws {@link DeviceError} `too-busy` when too many wait for this HSM token. */
  readonly checkCapacity: (token: string, intent?: string) => void;
  /** Intents to be inserted when the whole group is judged. */
  readonly intents: NewIntent[];
  /** Request-ids to be marked as used. */
  readonly spent: { requestId: string; deviceKeyId: string; expiresAt: Date }[];
  /** Verified model assertions that let others than the brand sign, and under which serials are promised. */
  readonly models: Assertion[];
  /** API keys that were used. */
  readonly apiKeyUses: { brandId: string; modelName: string; name: string }[];
}

/**
 * Judges one applicant: everything that needs the database and no signature (DESIGN section 6, steps 1 and 2).
 * Throws {@link DeviceError} with the code of the first rule that does not hold.
 */
export async function judge(
  bench: Bench,
  applicant: Applicant,
  model: ModelEntry | undefined,
): Promise<Admission> {
  const { request } = applicant;
  if (model === undefined) {
    throw new DeviceError(
      'model-unknown',
      `cannot serve model ${JSON.stringify(request.modelName)} of brand ${request.brandId}: the Model Service has no such model`,
    );
  }
  const apiKeyName = checkApiKey(bench, applicant, model);
  checkRequestIdUnspent(bench, applicant);
  const present = bench.facts.intentOf(applicant);
  checkBlocks(
    { model: request.modelName, serial: present?.serial, deviceKeyId: request.deviceKey.keyId },
    (kind, subject) => bench.facts.isBlocked(request.brandId, kind, subject),
  );
  if (present !== undefined) return again(bench, applicant, present, { model, apiKeyName });
  // A device that waits for an admin, or polls, sends the request-id that it began with: then it is known here.
  if (bench.facts.spentBy(applicant) === undefined) checkRequestIdInTime(applicant.requestId, bench.now);
  const signing = authorityFor(applicant, model.signing, bench.now);
  const { token } = signing.signing.key;
  bench.checkCapacity(token);
  const enrolled = await enrol(bench, applicant, { model, apiKeyName });
  if (enrolled.kind !== 'admit') {
    if (enrolled.kind === 'wait') spend(bench, applicant);
    return enrolled.kind === 'wait' ? { kind: 'wait' } : enrolled;
  }
  const draft = draftFor(bench, applicant, {
    ...signing,
    serial: enrolled.serial,
    revision: 0,
    id: randomUUID(),
    apiKeyName,
  });
  if (enrolled.replaces !== undefined) return replace(bench, applicant, enrolled.replaces, { draft, token });
  bench.intents.push(draft);
  return promise(bench, applicant, { draft, token });
}

function checkApiKey(bench: Bench, applicant: Applicant, model: ModelEntry): string {
  const key = matchApiKey(
    applicant.apiKey,
    model.apiKeys.map((one) => ({ ...one, blocked: bench.facts.isApiKeyBlocked(applicant, one.name) })),
    { pepper: bench.apiKeyPepper, now: bench.now },
  );
  const { brandId, modelName } = applicant.request;
  bench.apiKeyUses.push({ brandId, modelName, name: key.name });
  return key.name;
}

function checkRequestIdUnspent(bench: Bench, applicant: Applicant): void {
  const spentBy = bench.facts.spentBy(applicant);
  if (spentBy !== undefined && spentBy !== applicant.request.deviceKey.keyId) {
    throw new DeviceError(
      'request-id-spent',
      'cannot accept the request-id: another device used it; ask for a new one',
    );
  }
}

function spend(bench: Bench, applicant: Applicant): void {
  if (bench.facts.spentBy(applicant) !== undefined) return;
  bench.facts.noteSpent(applicant);
  bench.spent.push({
    requestId: applicant.requestId.text,
    deviceKeyId: applicant.request.deviceKey.keyId,
    expiresAt: applicant.requestId.expiresAt,
  });
}

/** A device that has its serial, or the promise of one, gets the same again. */
async function again(
  bench: Bench,
  applicant: Applicant,
  present: IntentRecord,
  of: { readonly model: ModelEntry; readonly apiKeyName: string },
): Promise<Admission> {
  // Only a request-id that this device used for it may be past its time.
  if (bench.facts.spentBy(applicant) === undefined) checkRequestIdInTime(applicant.requestId, bench.now);
  spend(bench, applicant);
  if (present.serialAssertion !== null) {
    return { kind: 'serial', serial: present.serialAssertion, signKeyId: present.signKeyId };
  }
  const authority = authorityFor(applicant, of.model.signing, bench.now);
  const { keyId, key } = authority.signing;
  bench.checkCapacity(key.token, present.id);
  const promised = {
    kind: 'intent',
    id: present.id,
    serial: present.serial,
    signKeyId: present.signKeyId,
    token: key.token,
  } as const;
  if (keyId === present.signKeyId) return promised;
  // The policy names another key now. A promise that was not kept follows it, unless it is being kept this very moment.
  const draft = draftFor(bench, applicant, {
    ...authority,
    serial: present.serial,
    revision: await promisedRevision(bench.queries, present.id),
    id: present.id,
    apiKeyName: of.apiKeyName,
  });
  const changed = await redraftIntent(bench.queries, draft, { timestamp: present.timestamp, signed: false });
  return changed ? { ...promised, signKeyId: draft.signKeyId } : promised;
}

/** Another board takes a serial over: the former one goes to the history, and its device key is blocked. */
async function replace(
  bench: Bench,
  applicant: Applicant,
  former: IntentRecord & { readonly revision: number },
  fresh: { readonly draft: NewIntent; readonly token: string },
): Promise<Admission> {
  const { queries } = bench;
  const at = bench.now.toISOString();
  const headers = { ...fresh.draft.headers, revision: String(former.revision + 1) };
  const draft = { ...fresh.draft, id: former.id, headers };
  await addHistory(queries, {
    ...former,
    reason: 'board-replaced',
    createdAt: former.timestamp,
    endedAt: at,
    endedBy: 'airlock',
  });
  await addBlock(queries, {
    kind: 'device-key',
    brandId: former.brandId,
    subject: former.deviceKeyId,
    reason: `replaced by another board with serial ${former.serial}`,
    createdAt: at,
    createdBy: 'airlock',
  });
  await redraftIntent(queries, draft, { timestamp: former.timestamp, signed: true });
  await appendAct(queries, {
    at: bench.now,
    actor: 'airlock',
    act: 'serial.replace-board',
    subject: `${former.brandId}/${former.modelName}/${former.serial}`,
    details: { 'former-device-key': former.deviceKeyId, 'device-key': draft.deviceKeyId },
  });
  return promise(bench, applicant, { draft, token: fresh.token });
}

function promise(
  bench: Bench,
  applicant: Applicant,
  { draft, token }: { readonly draft: NewIntent; readonly token: string },
): Admission {
  spend(bench, applicant);
  if (applicant.request.serialAuthorities.length > 0) bench.models.push(applicant.request.model);
  bench.facts.noteIntent(applicant, { ...draft, serialAssertion: null });
  return { kind: 'intent', id: draft.id, serial: draft.serial, signKeyId: draft.signKeyId, token };
}

function draftFor(
  bench: Bench,
  { request, body, address }: Applicant,
  of: {
    readonly authorityId: string;
    readonly signing: SigningEntry & { readonly key: { readonly hsmKeyId: string } };
    readonly serial: string;
    readonly revision: number;
    readonly id: string;
    readonly apiKeyName: string;
  },
): NewIntent {
  const { brandId, modelName } = request;
  const deviceKeyId = request.deviceKey.keyId;
  const draft = draftSerial({
    authorityId: of.authorityId,
    brandId,
    model: modelName,
    serial: of.serial,
    revision: of.revision,
    deviceKey: text(request.assertion, 'device-key'),
    deviceKeyId,
    body,
    now: bench.now,
  });
  return {
    id: of.id,
    brandId,
    modelName,
    serial: of.serial,
    deviceKeyId,
    authorityId: of.authorityId,
    signKeyId: of.signing.keyId,
    hsmKeyId: of.signing.key.hsmKeyId,
    headers: draft.headers,
    body,
    timestamp: draft.signedAt.toISOString(),
    apiKeyName: of.apiKeyName,
    sourceAddress: address ?? null,
    createdAt: bench.now.toISOString(),
    serialRequest: request.assertion.bytes,
  };
}
