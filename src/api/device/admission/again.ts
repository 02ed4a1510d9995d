import { randomUUID } from 'node:crypto';

import { decodeAssertion } from '../../../assertions/index.ts';
import { signingKeyStanding } from '../../../devices/index.ts';
import { appendAct } from '../../../storage/index.ts';
import {
  addHistory,
  originOfDraft,
  promisedRevision,
  redraftIntent,
  type IntentRecord,
} from '../../../storage/model-service/index.ts';
import type { Admission, Applicant } from './applicant.ts';
import type { Bench } from './bench.ts';
import { draftFor, promiseInstead } from './intents.ts';
import type { ModelEntry } from './model-book.ts';
import { authorityFor } from './signing-authority.ts';

interface Of {
  readonly model: ModelEntry;
  readonly apiKeyName: string;
}

/** A device that has its serial, or the promise of one, gets the same again. Throws `DeviceError` of {@link authorityFor}. */
export async function again(
  bench: Bench,
  applicant: Applicant,
  present: IntentRecord,
  of: Of,
): Promise<Admission> {
  const { serialAssertion, signKeyId } = present;
  if (serialAssertion === null) return promisedAgain(bench, applicant, present, of);
  const { accountKey } = await bench.signingOf(signKeyId);
  const then = signingKeyStanding(accountKey, new Date(present.timestamp));
  if (then === 'valid' || then === 'unregistered')
    return { kind: 'serial', serial: serialAssertion, signKeyId };
  const reason = then === 'revoked' ? 'key-revoked' : 'key-expired';
  const revision = decodeAssertion(serialAssertion).revision + 1;
  return renewed(bench, applicant, { present, revision, reason }, of);
}

async function promisedAgain(
  bench: Bench,
  applicant: Applicant,
  present: IntentRecord,
  of: Of,
): Promise<Admission> {
  const authority = authorityFor(applicant, of.model.signing, bench.now);
  const { keyId, key } = authority.signing;
  const { id, serial, signKeyId } = present;
  bench.checkCapacity(key.token, id);
  const promised = { kind: 'intent', id, serial, signKeyId, token: key.token } as const;
  if (keyId === signKeyId && present.closedReason === null) return promised;
  // The policy names another key now, or the promise was closed. A promise that was not kept follows the policy, unless it is being kept
  // this very moment.
  const draft = draftFor(bench, applicant, {
    authority,
    serial,
    revision: await promisedRevision(bench.queries, present.id),
    id: randomUUID(),
    apiKeyName: of.apiKeyName,
  });
  const origin = await originOfDraft(bench.queries, present.id);
  if (!(await redraftIntent(bench.queries, draft, present))) return promised;
  // A signature of the former draft may be under way, or was lost with its process: the history tells what it would be of, as it does of
  // a promise that was closed.
  if (present.closedReason === null)
    await addHistory(bench.queries, {
      draft: present,
      origin,
      reason: 'key-changed',
      endedAt: bench.now.toISOString(),
    });
  bench.facts.noteIntent(applicant, { ...draft, serialAssertion: null, closedReason: null });
  return { ...promised, id: draft.id, signKeyId: draft.signKeyId };
}

/**
 * No device accepts what a revoked key signed, whenever it did, nor what a key signed outside of the time that its account-key has
 * now. So the same serial is signed again by the key in force, as the next revision: snapd takes no other in place of one that it has.
 */
async function renewed(
  bench: Bench,
  applicant: Applicant,
  of: {
    readonly present: IntentRecord;
    readonly revision: number;
    readonly reason: 'key-revoked' | 'key-expired';
  },
  { model, apiKeyName }: Of,
): Promise<Admission> {
  const { present, revision, reason } = of;
  const authority = authorityFor(applicant, model.signing, bench.now);
  bench.checkCapacity(authority.signing.key.token, present.id);
  const { serial, brandId, modelName } = present;
  const draft = draftFor(bench, applicant, { authority, serial, revision, id: randomUUID(), apiKeyName });
  await appendAct(bench.queries, {
    at: bench.now,
    actor: 'airlock',
    act: 'serial.renew',
    subject: `${brandId}/${modelName}/${serial}`,
    details: { reason, 'former-key': present.signKeyId, key: draft.signKeyId, revision },
  });
  return promiseInstead(bench, applicant, { former: present, draft, authority, reason });
}
