import { blockSubjects, madeSerial } from '../../../devices/index.ts';
import type { Queries } from '../../../storage/index.ts';
import {
  blocksOn,
  brandsWithBlocks,
  intentsOfDeviceKeys,
  intentsOfSerials,
  spentRequestIds,
  unusedPermits,
  type IntentRecord,
  type ModelKey,
  type ReplacementPermitRecord,
} from '../../../storage/model-service/index.ts';
import type { Applicant } from './applicant.ts';
import type { ModelOf } from './model-book.ts';

/** What the database says about a group of applicants, read with few queries, and what the group itself adds to it. */
export interface GroupFacts {
  /** The intent of a device key for a model. */
  intentOf(applicant: Applicant): IntentRecord | undefined;
  /** The intents of a device key for all models of the brand, where a block or a rule of remodelling can depend on them. */
  intentsOf(applicant: Applicant): readonly IntentRecord[];
  /** The unused permissions that may be this applicant's. */
  permitsOf(applicant: Applicant): readonly ReplacementPermitRecord[];
  /** Who has a serial number of the applicant's model. */
  holderOf(applicant: Applicant, serial: string): Promise<IntentRecord | undefined>;
  /** Whether the brand has any block: most have none, and need no look-up. */
  hasBlocks(brandId: string): boolean;
  /** The device key that used the applicant's request-id. */
  spentBy(applicant: Applicant): string | undefined;
  /** Whether a block on an applicant's model, device key or present serial is in force. */
  isBlocked(brandId: string, kind: string, subject: string): boolean;
  /** Whether any serial number of the applicant's model is blocked. */
  isSerialBlocked(applicant: Applicant, serial: string): Promise<boolean>;
  /** Whether the applicant's API key is blocked. */
  isApiKeyBlocked(applicant: Applicant, name: string): boolean;
  /** Notes what the group did. */
  noteIntent(applicant: Applicant, intent: IntentRecord): void;
  forgetIntent(applicant: Applicant, intent: IntentRecord): void;
  noteSpent(applicant: Applicant): void;
  /** A board was replaced: its device key is blocked, and has no intent for the model any more. */
  noteRetired(place: ModelKey, deviceKeyId: string): void;
  notePermitUsed(id: number): void;
}

/** Reads the facts of a group in one go. */
export async function readGroupFacts(
  queries: Queries,
  applicants: readonly Applicant[],
  modelOf: ModelOf,
): Promise<GroupFacts> {
  const brandIds = distinct(applicants.map(({ request }) => request.brandId));
  const models = distinct(applicants.map(({ request }) => request.modelName));
  const deviceKeyIds = distinct(applicants.map(({ request }) => request.deviceKey.keyId));
  const byDevice = new Map<string, IntentRecord>();
  const blockedBrands = new Set(await brandsWithBlocks(queries, brandIds));
  const others = applicants.some(
    ({ request }) =>
      blockedBrands.has(request.brandId) || modelOf(request.brandId, request.modelName)?.hasRemodelRules,
  );
  const wanted = { brandIds, deviceKeyIds, ...(others ? {} : { models }) };
  for (const intent of await intentsOfDeviceKeys(queries, wanted)) {
    byDevice.set(placeOf(intent, intent.deviceKeyId), intent);
  }
  const spent = new Map<string, string>();
  for (const { requestId, deviceKeyId } of await spentRequestIds(
    queries,
    applicants.map(({ requestId: { text } }) => text),
  )) {
    spent.set(requestId, deviceKeyId);
  }
  // One whose promise was closed is judged as if it were new, too.
  const newcomers = applicants.filter(({ request }) => {
    const present = byDevice.get(placeOf(request, request.deviceKey.keyId));
    return present === undefined || present.closedReason !== null;
  });
  const likely = distinct(newcomers.flatMap((one) => likelySerials(one, modelOf)));
  const known = new Set<string>(likely);
  const bySerial = new Map<string, IntentRecord>();
  const readHolders = async (serials: readonly string[]) => {
    if (serials.length === 0) return;
    for (const intent of await intentsOfSerials(queries, { brandIds, models, serials })) {
      bySerial.set(placeOf(intent, intent.serial), intent);
    }
  };
  await readHolders(likely);
  const permits = await unusedPermits(queries, {
    brandIds,
    models,
    deviceKeyIds: newcomers.map(({ request }) => request.deviceKey.keyId),
    serials: distinct(newcomers.flatMap(askedSerials)),
  });
  const used = new Set<number>();
  const blocks = new Set<string>();
  const subjects = distinct(applicants.flatMap((one) => subjectsOf(one, byDevice, modelOf)));
  for (const { brandId, kind, subject } of await blocksOn(queries, brandIds, subjects)) {
    blocks.add(`${brandId}\0${kind}\0${subject}`);
  }
  return {
    intentOf: ({ request }) => byDevice.get(placeOf(request, request.deviceKey.keyId)),
    intentsOf: ({ request }) =>
      [...byDevice.values()].filter(
        (intent) =>
          intent.brandId === request.brandId &&
          intent.deviceKeyId === request.deviceKey.keyId &&
          // What was promised and closed never became anything that the device is.
          intent.closedReason === null,
      ),
    permitsOf: ({ request }) =>
      permits.filter(
        (permit) =>
          permit.brandId === request.brandId &&
          permit.modelName === request.modelName &&
          !used.has(permit.id),
      ),
    async holderOf({ request }, serial) {
      if (!known.has(serial)) {
        known.add(serial);
        await readHolders([serial]);
      }
      return bySerial.get(placeOf(request, serial));
    },
    spentBy: ({ requestId }) => spent.get(requestId.text),
    hasBlocks: (brandId) => blockedBrands.has(brandId),
    isBlocked: (brandId, kind, subject) => blocks.has(`${brandId}\0${kind}\0${subject}`),
    async isSerialBlocked({ request }, serial) {
      const subject = `${request.modelName}/${serial}`;
      // The numbers that were likely were looked up with the group.
      if (subjects.includes(subject)) return blocks.has(`${request.brandId}\0serial\0${subject}`);
      const found = await blocksOn(queries, [request.brandId], [subject]);
      return found.some(({ kind }) => kind === 'serial');
    },
    isApiKeyBlocked: ({ request }, name) =>
      blocks.has(`${request.brandId}\0api-key\0${request.modelName}/${name}`),
    noteIntent({ request }, intent) {
      byDevice.set(placeOf(request, request.deviceKey.keyId), intent);
      bySerial.set(placeOf(request, intent.serial), intent);
    },
    forgetIntent({ request }, intent) {
      byDevice.delete(placeOf(request, request.deviceKey.keyId));
      bySerial.delete(placeOf(request, intent.serial));
    },
    noteSpent: ({ request, requestId }) => void spent.set(requestId.text, request.deviceKey.keyId),
    noteRetired(place, deviceKeyId) {
      byDevice.delete(placeOf(place, deviceKeyId));
      blocks.add(`${place.brandId}\0device-key\0${deviceKeyId}`);
      blockedBrands.add(place.brandId);
    },
    notePermitUsed: (id) => void used.add(id),
  };
}

/** The numbers that a newcomer asks for, by itself or, not proved yet, by its claim code. */
function askedSerials({ request, claimCode }: Applicant): string[] {
  const claimed = claimCode?.slice(0, Math.max(claimCode.lastIndexOf('.'), 0)) ?? '';
  return [request.proposedSerial ?? '', claimed].filter((serial) => serial !== '');
}

/** The numbers that a newcomer most probably gets: one query for all. */
function likelySerials({ request, verdict }: Applicant, modelOf: ModelOf): string[] {
  const prefix = modelOf(request.brandId, request.modelName)?.enrolment['serial-prefix'] ?? '';
  const proposed = verdict?.serial ?? request.proposedSerial ?? request.original?.serial;
  const made = () =>
    madeSerial({
      brandId: request.brandId,
      model: request.modelName,
      deviceKeyId: request.deviceKey.keyId,
      prefix,
    });
  return [proposed ?? made()];
}

function subjectsOf(
  applicant: Applicant,
  byDevice: ReadonlyMap<string, IntentRecord>,
  modelOf: ModelOf,
): string[] {
  const { request } = applicant;
  const model = request.modelName;
  const deviceKeyId = request.deviceKey.keyId;
  const serial = byDevice.get(placeOf(request, deviceKeyId))?.serial;
  const serials = serial === undefined ? likelySerials(applicant, modelOf) : [serial];
  const apiKeys = modelOf(request.brandId, model)?.apiKeys ?? [];
  return [
    ...serials.flatMap((one) =>
      blockSubjects({ model, serial: one, deviceKeyId }).map(({ subject }) => subject),
    ),
    ...apiKeys.map(({ name }) => `${model}/${name}`),
  ];
}

function placeOf(of: { readonly brandId: string; readonly modelName: string }, last: string): string {
  return `${of.brandId}\0${of.modelName}\0${last}`;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
