import { randomUUID } from 'node:crypto';

import { decodeAssertion } from '../../../assertions/index.ts';
import { pickPermit } from '../../../devices/index.ts';
import { appendAct } from '../../../storage/index.ts';
import {
  addBlock,
  decideEnrolmentRequest,
  moveBelongings,
  promisedRevision,
  usePermit,
  type ReplacementPermitRecord,
} from '../../../storage/model-service/index.ts';
import type { Admission, Applicant } from './applicant.ts';
import { unlessOvertaken, type Bench } from './bench.ts';
import { claimedSerial } from './claims.ts';
import { checkHardware } from './hardware.ts';
import { draftFor, promiseInstead, promiseNew } from './intents.ts';
import type { ModelEntry } from './model-book.ts';
import { checkSerialBlock, holderOf, type Holder } from './serial-holders.ts';
import type { Authority } from './signing-authority.ts';

interface Of {
  readonly model: ModelEntry;
  readonly apiKeyName: string;
  readonly authority: Authority;
}

/** The permission that lets an applicant take a serial over; undefined without one. */
export function permitFor(bench: Bench, applicant: Applicant): ReplacementPermitRecord | undefined {
  const permits = bench.facts.permitsOf(applicant);
  if (permits.length === 0) return undefined;
  const { request } = applicant;
  const serial = request.proposedSerial ?? claimedSerial(bench, applicant);
  return pickPermit(permits, { deviceKeyId: request.deviceKey.keyId, serial, now: bench.now });
}

/**
 * Another board takes over the serial that its permission names. An admin decided already: neither the enrolment policy nor
 * the scheme of serial numbers is asked. The former serial goes to the history, its device key is blocked, and what let that
 * one enrol is the new one's. Throws `DeviceError` `device-blocked`, `hardware-identity-…`.
 */
export async function replaceBoard(
  bench: Bench,
  applicant: Applicant,
  permit: ReplacementPermitRecord,
  of: Of,
): Promise<Admission> {
  const { queries, now } = bench;
  const { serial } = permit;
  const { brandId, modelName, deviceKey } = applicant.request;
  const by = { deviceKeyId: deviceKey.keyId, at: now };
  await checkSerialBlock(bench, applicant, serial);
  const holder = await holderOf(bench, applicant, { serial, model: of.model });
  const hardware = await checkHardware(bench, applicant, {
    mode: of.model.enrolment['hardware-identity'],
    formerKeyId: holder?.deviceKeyId,
  });
  unlessOvertaken(await usePermit(queries, permit.id, by));
  bench.facts.notePermitUsed(permit.id);
  const place = { brandId, modelName };
  const decision = {
    deviceKeyId: deviceKey.keyId,
    state: 'approved',
    by: permit.createdBy,
    at: now,
  } as const;
  await decideEnrolmentRequest(queries, place, decision);
  if (holder !== undefined) await retire(bench, place, { holder, serial, to: deviceKey.keyId });
  await hardware.take();
  await appendAct(queries, {
    at: now,
    actor: 'airlock',
    act: 'serial.replace-board',
    subject: `${brandId}/${modelName}/${serial}`,
    details: {
      permit: permit.id,
      'permitted-by': permit.createdBy,
      'former-device-key': holder?.deviceKeyId ?? null,
      'device-key': deviceKey.keyId,
    },
  });
  const { authority, apiKeyName } = of;
  const revision = holder === undefined ? 0 : (await revisionOf(bench, holder)) + 1;
  const draft = draftFor(bench, applicant, { authority, serial, revision, id: randomUUID(), apiKeyName });
  if (holder?.intent === undefined) return promiseNew(bench, applicant, { draft, authority });
  const former = holder.intent;
  return promiseInstead(bench, applicant, { former, draft, authority, reason: 'board-replaced' });
}

async function revisionOf(bench: Bench, { intent, revision }: Holder): Promise<number> {
  if (intent === undefined) return revision;
  if (intent.serialAssertion !== null) return decodeAssertion(intent.serialAssertion).revision;
  return promisedRevision(bench.queries, intent.id);
}

/** Blocks the former board, and hands on what it had. */
async function retire(
  bench: Bench,
  place: { readonly brandId: string; readonly modelName: string },
  { holder, serial, to }: { readonly holder: Holder; readonly serial: string; readonly to: string },
): Promise<void> {
  const from = holder.deviceKeyId;
  await addBlock(bench.queries, {
    kind: 'device-key',
    brandId: place.brandId,
    subject: from,
    reason: `replaced by another board with serial ${serial}`,
    createdAt: bench.now.toISOString(),
    createdBy: 'airlock',
  });
  await moveBelongings(bench.queries, place, { serial, from, to, at: bench.now });
  bench.facts.noteRetired(place, from);
}
