import { randomUUID } from 'node:crypto';

import { checkBlocks, checkRequestIdInTime, DeviceError, matchApiKey } from '../../../devices/index.ts';
import {
  forgetClosedPromise,
  promisedRevision,
  type IntentRecord,
} from '../../../storage/model-service/index.ts';
import { again } from './again.ts';
import type { Admission, Applicant } from './applicant.ts';
import { unlessOvertaken, type Bench } from './bench.ts';
import { enrol, type Enrolled } from './enrol.ts';
import { checkFormerBlocks, checkOneIdentity, identitiesOf, type Identities } from './identities.ts';
import { draftFor, promiseNew, spend } from './intents.ts';
import type { ModelEntry } from './model-book.ts';
import { permitFor, replaceBoard } from './replace-board.ts';
import { checkFree, checkSerialBlock } from './serial-holders.ts';
import { authorityFor } from './signing-authority.ts';

/**
 * Judges one applicant: everything that needs the database and no signature (DESIGN section 6, steps 1 and 2). A device that
 * has its serial gets it again; one with a permission takes a serial over; one that another service gave a serial keeps
 * it; all others enrol. Throws {@link DeviceError} with the code of the first rule that does not hold.
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
      `cannot serve model ${JSON.stringify(request.modelName)} of brand ${request.brandId}: the Model Service has no such model; create it`,
    );
  }
  const apiKeyName = checkApiKey(bench, applicant, model);
  checkRequestIdUnspent(bench, applicant);
  const present = bench.facts.intentOf(applicant);
  checkBlocks(
    { model: request.modelName, serial: present?.serial, deviceKeyId: request.deviceKey.keyId },
    (kind, subject) => bench.facts.isBlocked(request.brandId, kind, subject),
  );
  // A device that waits for an admin, or polls, sends the request-id that it began with: then it is known here.
  if (bench.facts.spentBy(applicant) === undefined) checkRequestIdInTime(applicant.requestId, bench.now);
  if (present !== undefined && !(await isOver(bench, applicant, present))) {
    await checkFormerBlocks(bench, applicant, []);
    spend(bench, applicant);
    return again(bench, applicant, present, { model, apiKeyName });
  }
  const authority = authorityFor(applicant, model.signing, bench.now);
  bench.checkCapacity(authority.signing.key.token);
  const { foreign, others } = await identitiesOf(bench, applicant, model);
  await checkFormerBlocks(bench, applicant, others);
  await checkOneIdentity(bench, applicant, { others, model });
  const permit = permitFor(bench, applicant);
  if (permit !== undefined) return replaceBoard(bench, applicant, permit, { model, apiKeyName, authority });
  const known = await takenOver(bench, applicant, { foreign, model });
  const enrolled = known ?? (await enrol(bench, applicant, model));
  switch (enrolled.kind) {
    case 'ask-webhook':
      return { ...enrolled, apiKeyName, salt: model.salts.webhook };
    case 'wait':
      spend(bench, applicant);
      return enrolled;
    case 'admit': {
      const { serial, revision } = enrolled;
      const draft = draftFor(bench, applicant, { authority, serial, revision, id: randomUUID(), apiKeyName });
      return promiseNew(bench, applicant, { draft, authority });
    }
  }
}

/** A device that another service gave a serial keeps it, as the next revision, and is not asked whether it may enrol. */
async function takenOver(
  bench: Bench,
  applicant: Applicant,
  { foreign, model }: { readonly foreign: Identities['foreign']; readonly model: ModelEntry },
): Promise<Enrolled | undefined> {
  const { proposedSerial } = applicant.request;
  const known = foreign.findLast(({ serial }) => serial === proposedSerial) ?? foreign.at(-1);
  if (known === undefined) return undefined;
  const { serial, revision } = known;
  await checkSerialBlock(bench, applicant, serial);
  await checkFree(bench, applicant, { serial, model });
  return { kind: 'admit', serial, revision: revision + 1 };
}

/**
 * Whether a promise was closed and its device is to be judged as if it were new; then it is forgotten. One that took a serial over, by
 * permission or as the next revision, keeps what was decided.
 */
async function isOver(bench: Bench, applicant: Applicant, present: IntentRecord): Promise<boolean> {
  if (present.closedReason === null || (await promisedRevision(bench.queries, present.id)) > 0) return false;
  unlessOvertaken(await forgetClosedPromise(bench.queries, present));
  bench.facts.forgetIntent(applicant, present);
  return true;
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
