import {
  checkBlocks,
  checkRemodel,
  chooseSerial,
  decideEnrolment,
  DeviceError,
  isSerialNumber,
  pickListed,
  readClaim,
  type EnrolmentFacts,
  type EnrolmentPolicy,
  type ListedSerial,
} from '../../../devices/index.ts';
import { appendAct } from '../../../storage/index.ts';
import {
  allowListCandidates,
  claimSpentBy,
  countIntents,
  countWaiting,
  findEnrolmentRequest,
  findPermit,
  foreignHolders,
  queueEnrolment,
  remodelAllowances,
  spendClaim,
  takeAllowListEntry,
  usePermit,
  type IntentRecord,
} from '../../../storage/model-service/index.ts';
import { decodeAssertion } from '../../../assertions/index.ts';
import type { Applicant } from './applicant.ts';
import { checkHardware } from './hardware.ts';
import type { Bench } from './judge.ts';
import type { ModelEntry } from './model-book.ts';

/** Most devices of a model that wait for an admin. */
const MAX_WAITING = 10_000;

/** The database moved on while a group was judged. No refusal: the transaction is undone and tried again. */
export class Overtaken extends Error {
  constructor() {
    super('another host recorded the same device meanwhile');
  }
}

/** What follows for a device without a serial. */
export type Enrolled =
  | {
      readonly kind: 'admit';
      readonly serial: string;
      /** The intent of the board that this one replaces. */
      readonly replaces: (IntentRecord & { readonly revision: number }) | undefined;
    }
  | { readonly kind: 'wait' }
  | { readonly kind: 'ask-webhook'; readonly url: string; readonly apiKeyName: string };

interface Of {
  readonly model: ModelEntry;
  readonly apiKeyName: string;
}

/**
 * Decides whether a device enrols and under which serial number; what that uses up (claim, list entry, permission) is written
 * in the same transaction. Throws {@link DeviceError}.
 */
export async function enrol(
  bench: Bench,
  applicant: Applicant,
  { model, apiKeyName }: Of,
): Promise<Enrolled> {
  const policy = model.enrolment;
  await checkRemodelled(bench, applicant);
  const hardware = await checkHardware(bench, applicant, policy['hardware-identity']);
  const entry = await listed(bench, applicant, policy);
  const claim = policy.mode === 'claims' ? await readClaimOf(bench, applicant) : undefined;
  const facts = await factsOf(bench, applicant, { policy, entry, claim: claim?.state ?? 'none' });
  const decision = decideEnrolment(policy, facts);
  if (decision === 'ask-webhook')
    return { kind: 'ask-webhook', url: policy['webhook-url'] ?? '', apiKeyName };
  if (decision === 'await-approval') {
    await queue(bench, applicant, facts.approval === undefined);
    return { kind: 'wait' };
  }
  const serial = serialFor(applicant, policy, entry);
  await checkSerialBlock(bench, applicant, serial);
  const replaces = await replaced(bench, applicant, { serial, model });
  const place = { brandId: applicant.request.brandId, modelName: applicant.request.modelName };
  const by = { deviceKeyId: applicant.request.deviceKey.keyId, at: bench.now };
  if (claim?.label !== undefined && claim.fresh)
    await spendClaim(bench.queries, place, { label: claim.label, ...by });
  if (entry !== undefined) await takeAllowListEntry(bench.queries, place, { serial: entry.serial, ...by });
  await hardware.take();
  return { kind: 'admit', serial, replaces };
}

async function checkRemodelled(bench: Bench, { request }: Applicant): Promise<void> {
  const { original } = request;
  if (original === undefined) return;
  const lines = await remodelAllowances(bench.queries, {
    brandId: request.brandId,
    fromModel: original.model,
    toModel: request.modelName,
  });
  checkRemodel(
    request,
    lines.map((line) => ({ ...line, fromSerial: line.fromSerial === '' ? undefined : line.fromSerial })),
  );
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

interface ClaimState {
  readonly state: EnrolmentFacts['claim'];
  readonly label?: string;
  readonly fresh: boolean;
}

async function readClaimOf(bench: Bench, applicant: Applicant): Promise<ClaimState> {
  const { request, claimCode } = applicant;
  if (claimCode === undefined) return { state: 'none', fresh: false };
  const of = { brandId: request.brandId, model: request.modelName, code: claimCode };
  const claim = readClaim(bench.claimSecret(request.brandId, request.modelName), of);
  // A claim code is for one serial number: whoever proposes another has no use for it.
  if (claim === undefined || (request.proposedSerial ?? claim.label) !== claim.label)
    return { state: 'wrong', fresh: false };
  const spentBy = await claimSpentBy(bench.queries, request, claim.label);
  if (spentBy !== undefined && spentBy !== request.deviceKey.keyId) return { state: 'spent', fresh: false };
  return { state: 'good', label: claim.label, fresh: spentBy === undefined };
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
    approval: approvalOf(asked?.state),
    verdict: applicant.verdict?.allow,
  };
}

function approvalOf(state: string | undefined): EnrolmentFacts['approval'] {
  return state === 'pending' || state === 'approved' || state === 'refused' ? state : undefined;
}

async function queue(bench: Bench, { request, address }: Applicant, isNew: boolean): Promise<void> {
  if (isNew && (await countWaiting(bench.queries, request)) >= MAX_WAITING) {
    throw new DeviceError(
      'enrolment-queue-full',
      'cannot enrol now: too many devices of this model wait for an admin',
    );
  }
  await queueEnrolment(
    bench.queries,
    { brandId: request.brandId, modelName: request.modelName },
    {
      deviceKeyId: request.deviceKey.keyId,
      proposedSerial: request.proposedSerial ?? null,
      sourceAddress: address ?? null,
      at: bench.now,
    },
  );
}

function serialFor(applicant: Applicant, policy: EnrolmentPolicy, entry: ListedSerial | undefined): string {
  const { request, verdict } = applicant;
  if (verdict?.serial !== undefined) return verdict.serial;
  const claimed =
    policy.mode === 'claims'
      ? applicant.claimCode?.slice(0, applicant.claimCode.lastIndexOf('.'))
      : undefined;
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

async function checkSerialBlock(bench: Bench, applicant: Applicant, serial: string): Promise<void> {
  const { request } = applicant;
  const blocked = await bench.facts.isSerialBlocked(applicant, serial);
  checkBlocks(
    { model: request.modelName, serial, deviceKeyId: request.deviceKey.keyId },
    (kind) => kind === 'serial' && blocked,
  );
}

/** Refuses a serial number that another device key has, and logs it, unless a permission lets this one take it over. */
async function replaced(
  bench: Bench,
  applicant: Applicant,
  of: { readonly serial: string; readonly model: ModelEntry },
): Promise<(IntentRecord & { revision: number }) | undefined> {
  const { request } = applicant;
  const { serial } = of;
  const holder = await bench.facts.holderOf(applicant, serial);
  // Another host recorded this very device between two of our queries: judged anew, it finds its own intent.
  if (holder?.deviceKeyId === request.deviceKey.keyId) throw new Overtaken();
  const heldBy =
    holder?.deviceKeyId ??
    (of.model.hasForeignSerials ? await foreignHolder(bench, applicant, serial) : undefined);
  if (heldBy === undefined) return undefined;
  const deviceKeyId = request.deviceKey.keyId;
  const permit = await findPermit(bench.queries, request, { serial, deviceKeyId });
  // Nobody can have permitted what another request of this very group was promised a moment ago.
  const isFresh = bench.intents.some(({ id }) => id === holder?.id);
  if (
    permit === undefined ||
    isFresh ||
    !(await usePermit(bench.queries, permit.id, { deviceKeyId, at: bench.now }))
  ) {
    await appendAct(bench.queries, {
      at: bench.now,
      actor: 'airlock',
      act: 'serial.refuse-duplicate',
      subject: `${request.brandId}/${request.modelName}/${serial}`,
      details: { 'device-key': deviceKeyId, 'held-by': heldBy, address: applicant.address ?? '' },
    });
    throw new DeviceError(
      'serial-in-use',
      `cannot give serial ${JSON.stringify(serial)} to this device: another device key has it; an admin can permit a replaced board`,
    );
  }
  if (holder === undefined) return undefined;
  const revision = holder.serialAssertion === null ? 0 : decodeAssertion(holder.serialAssertion).revision;
  return { ...holder, revision };
}

/** The device key that another service gave the serial to, when it was not this device's. */
async function foreignHolder(
  bench: Bench,
  { request }: Applicant,
  serial: string,
): Promise<string | undefined> {
  const { brandId, modelName } = request;
  const holders = await foreignHolders(bench.queries, { brandId, modelName, serial });
  return holders.includes(request.deviceKey.keyId) ? undefined : holders.at(-1);
}
