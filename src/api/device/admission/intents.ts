import { text } from '../../../assertions/index.ts';
import { checkSerialAllowed, draftSerial } from '../../../devices/index.ts';
import {
  addHistory,
  originOfDraft,
  redraftIntent,
  type HistoryRecord,
  type IntentRecord,
  type NewIntent,
} from '../../../storage/model-service/index.ts';
import type { Admission, Applicant } from './applicant.ts';
import { unlessOvertaken, type Bench } from './bench.ts';
import type { Authority } from './signing-authority.ts';

/** Drafts all that the serial of an applicant will say. Throws {@link DeviceError} `signing-key-constrained` when its key may not say it. */
export function draftFor(
  bench: Bench,
  { request, body, address }: Applicant,
  of: {
    readonly authority: Authority;
    readonly serial: string;
    readonly revision: number;
    readonly id: string;
    readonly apiKeyName: string;
  },
): NewIntent {
  const { brandId, modelName } = request;
  const { authorityId, signing } = of.authority;
  const deviceKeyId = request.deviceKey.keyId;
  const draft = draftSerial({
    authorityId,
    brandId,
    model: modelName,
    serial: of.serial,
    revision: of.revision,
    deviceKey: text(request.assertion, 'device-key'),
    deviceKeyId,
    body,
    now: bench.now,
  });
  checkSerialAllowed(signing.accountKey, { keyId: signing.keyId, headers: draft.headers, body });
  return {
    id: of.id,
    brandId,
    modelName,
    serial: of.serial,
    deviceKeyId,
    authorityId,
    signKeyId: signing.keyId,
    hsmKeyId: signing.key.hsmKeyId,
    headers: draft.headers,
    body,
    timestamp: draft.signedAt.toISOString(),
    apiKeyName: of.apiKeyName,
    sourceAddress: address ?? null,
    createdAt: bench.now.toISOString(),
    serialRequest: request.assertion.bytes,
  };
}

/** Marks an applicant's request-id as used. */
export function spend(bench: Bench, applicant: Applicant): void {
  if (bench.facts.spentBy(applicant) !== undefined) return;
  bench.facts.noteSpent(applicant);
  bench.spent.push({
    requestId: applicant.requestId.text,
    deviceKeyId: applicant.request.deviceKey.keyId,
    expiresAt: applicant.requestId.expiresAt,
  });
}

/** A draft, and by whose key it is to be signed. */
interface Drafted {
  readonly draft: NewIntent;
  readonly authority: Authority;
}

/** Promises a serial that nobody had before: it is recorded with the whole group. */
export function promiseNew(bench: Bench, applicant: Applicant, drafted: Drafted): Admission {
  bench.intents.push(drafted.draft);
  return promise(bench, applicant, drafted);
}

/** Promises a serial in place of a former one, which goes to the history. */
export async function promiseInstead(
  bench: Bench,
  applicant: Applicant,
  of: Drafted & { readonly former: IntentRecord; readonly reason: HistoryRecord['reason'] },
): Promise<Admission> {
  const { former, reason, draft } = of;
  await addHistory(bench.queries, {
    draft: former,
    origin: await originOfDraft(bench.queries, former.id),
    reason,
    endedAt: bench.now.toISOString(),
  });
  unlessOvertaken(await redraftIntent(bench.queries, draft, former));
  return promise(bench, applicant, of);
}

function promise(bench: Bench, applicant: Applicant, { draft, authority }: Drafted): Admission {
  spend(bench, applicant);
  if (applicant.request.serialAuthorities.length > 0) bench.models.push(applicant.request.model);
  bench.facts.noteIntent(applicant, { ...draft, serialAssertion: null, closedReason: null });
  return {
    kind: 'intent',
    id: draft.id,
    serial: draft.serial,
    signKeyId: draft.signKeyId,
    token: authority.signing.key.token,
  };
}
