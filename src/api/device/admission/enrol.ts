import {
  approvalFor,
  chooseSerial,
  decideEnrolment,
  DeviceError,
  isSerialNumber,
  pickListed,
  type EnrolmentFacts,
  type EnrolmentPolicy,
  type ListedSerial,
} from '../../../devices/index.ts';
import {
  allowListCandidates,
  countIntents,
  countWaiting,
  findEnrolmentRequest,
  queueEnrolment,
  reopenEnrolment,
  spendClaim,
  takeAllowListEntry,
} from '../../../storage/model-service/index.ts';
import type { Applicant } from './applicant.ts';
import { unlessOvertaken, type Bench } from './bench.ts';
import { readClaimOf, type ClaimState } from './claims.ts';
import { checkHardware } from './hardware.ts';
import type { ModelEntry } from './model-book.ts';
import { checkFree, checkSerialBlock } from './serial-holders.ts';

/** Most devices of a model that wait for an admin. */
const MAX_WAITING = 10_000;

/** What follows for a device that nobody knows. */
export type Enrolled =
  | { readonly kind: 'admit'; readonly serial: string; readonly revision: number }
  | { readonly kind: 'wait' }
  | { readonly kind: 'ask-webhook'; readonly url: string };

/**
 * Decides whether a device enrols and under which serial number; what that uses up (claim, list entry, hardware) is written
 * in the same transaction. Throws {@link DeviceError}.
 */
export async function enrol(bench: Bench, applicant: Applicant, model: ModelEntry): Promise<Enrolled> {
  const policy = model.enrolment;
  const { request } = applicant;
  const hardware = await checkHardware(bench, applicant, { mode: policy['hardware-identity'] });
  const entry = await listed(bench, applicant, policy);
  const claim = policy.mode === 'claims' ? await readClaimOf(bench, applicant) : undefined;
  const facts = await factsOf(bench, applicant, { policy, entry, claim: claim?.state ?? 'none' });
  const decision = decideEnrolment(policy, facts);
  if (decision === 'ask-webhook') return { kind: 'ask-webhook', url: policy['webhook-url'] ?? '' };
  if (decision === 'await-approval') {
    await queue(bench, applicant, facts.approval);
    return { kind: 'wait' };
  }
  const serial = serialFor(applicant, policy, { entry, claim });
  await checkSerialBlock(bench, applicant, serial);
  await checkFree(bench, applicant, { serial, model });
  const place = { brandId: request.brandId, modelName: request.modelName };
  const by = { deviceKeyId: request.deviceKey.keyId, at: bench.now };
  if (claim?.label !== undefined && claim.fresh)
    unlessOvertaken(await spendClaim(bench.queries, place, { label: claim.label, ...by }));
  if (entry !== undefined)
    unlessOvertaken(await takeAllowListEntry(bench.queries, place, { serial: entry.serial, ...by }));
  await hardware.take();
  return { kind: 'admit', serial, revision: 0 };
}

async function listed(
  bench: Bench,
  { request }: Applicant,
  policy: EnrolmentPolicy,
): Promise<ListedSerial | undefined> {
  if (policy.mode !== 'allow-list' && policy.serials !== 'allow-list') return undefined;
  const device = {
    deviceKeyId: request.deviceKey.keyId,
    proposed: request.proposedSerial,
    pool: policy.serials === 'allow-list',
  };
  const rows = await allowListCandidates(bench.queries, request, device);
  const entries = rows.map((row) => ({
    serial: row.serial,
    deviceKeyId: row.deviceKeyId ?? undefined,
    takenBy: row.takenBy ?? undefined,
  }));
  return pickListed(entries, device);
}

async function factsOf(
  bench: Bench,
  applicant: Applicant,
  of: {
    readonly policy: EnrolmentPolicy;
    readonly entry: ListedSerial | undefined;
    readonly claim: EnrolmentFacts['claim'];
  },
): Promise<EnrolmentFacts> {
  const { request } = applicant;
  const { queries } = bench;
  const inGroup = bench.intents.filter(
    (intent) => intent.brandId === request.brandId && intent.modelName === request.modelName,
  ).length;
  const asked =
    of.policy.mode === 'approval'
      ? await findEnrolmentRequest(queries, request, request.deviceKey.keyId)
      : undefined;
  return {
    now: bench.now,
    address: applicant.address,
    enrolled:
      of.policy.quota === null
        ? 0
        : (await countIntents(queries, request.brandId, request.modelName)) + inGroup,
    entry: of.entry,
    claim: of.claim,
    approval: approvalFor(asked, request.proposedSerial),
    verdict: applicant.verdict?.allow,
  };
}

async function queue(
  bench: Bench,
  { request, address }: Applicant,
  approval: EnrolmentFacts['approval'],
): Promise<void> {
  const { queries } = bench;
  const isNew = approval === undefined || approval === 'reopened';
  if (isNew && (await countWaiting(queries, request)) >= MAX_WAITING) {
    throw new DeviceError(
      'enrolment-queue-full',
      'cannot enrol now: too many devices of this model wait for an admin',
    );
  }
  const place = { brandId: request.brandId, modelName: request.modelName };
  const device = {
    deviceKeyId: request.deviceKey.keyId,
    proposedSerial: request.proposedSerial ?? null,
    at: bench.now,
  };
  if (approval === 'reopened') unlessOvertaken(await reopenEnrolment(queries, place, device));
  else await queueEnrolment(queries, place, { ...device, sourceAddress: address ?? null });
}

function serialFor(
  applicant: Applicant,
  policy: EnrolmentPolicy,
  { entry, claim }: { readonly entry: ListedSerial | undefined; readonly claim: ClaimState | undefined },
): string {
  const { request, verdict } = applicant;
  if (verdict?.serial !== undefined) return verdict.serial;
  const claimed = claim?.label;
  return chooseSerial(
    { source: policy.serials, prefix: policy['serial-prefix'] },
    {
      brandId: request.brandId,
      model: request.modelName,
      deviceKeyId: request.deviceKey.keyId,
      proposed:
        request.proposedSerial ?? (claimed !== undefined && isSerialNumber(claimed) ? claimed : undefined),
      former: request.original?.serial,
      entry,
    },
  );
}
