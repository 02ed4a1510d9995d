import {
  blockSubjects,
  checkBlocks,
  checkNotRemodelled,
  checkRemodel,
  type ModelSerial,
} from '../../../devices/index.ts';
import {
  blocksOn,
  foreignIdentities,
  remodelAllowances,
  type ForeignIdentity,
} from '../../../storage/model-service/index.ts';
import type { Applicant } from './applicant.ts';
import type { Bench } from './bench.ts';
import type { ModelEntry } from './model-book.ts';

/** What a device key without a serial of this model is already. */
export interface Identities {
  /** Serials of this very model that another service signed for it; the last one is the newest. */
  readonly foreign: readonly ForeignIdentity[];
  /** Serials that it has in other models of the brand. */
  readonly others: readonly ModelSerial[];
}

/** Finds what the applicant's key is already, here and in what was taken over from another service. */
export async function identitiesOf(
  bench: Bench,
  applicant: Applicant,
  model: ModelEntry,
): Promise<Identities> {
  const { brandId, modelName, deviceKey } = applicant.request;
  const foreign = model.hasForeignSerials
    ? await foreignIdentities(bench.queries, { brandId, deviceKeyId: deviceKey.keyId })
    : [];
  const known = [...bench.facts.intentsOf(applicant), ...foreign];
  return {
    foreign: foreign.filter((one) => one.modelName === modelName),
    others: known
      .filter((one) => one.modelName !== modelName)
      .map((one) => ({ model: one.modelName, serial: one.serial })),
  };
}

/**
 * Checks that the device may have an identity in this model beside those that it has. A brand without remodel rules takes each
 * model by itself. Throws `DeviceError` `remodel-…`.
 */
export async function checkOneIdentity(
  bench: Bench,
  { request }: Applicant,
  { others, model }: { readonly others: readonly ModelSerial[]; readonly model: ModelEntry },
): Promise<void> {
  const { original } = request;
  if (original === undefined) {
    if (model.hasRemodelRules) checkNotRemodelled(request, others);
    return;
  }
  const lines = await remodelAllowances(bench.queries, {
    brandId: request.brandId,
    fromModel: original.model,
    toModel: request.modelName,
  });
  const allowances = lines.map((line) => ({
    ...line,
    fromSerial: line.fromSerial === '' ? undefined : line.fromSerial,
  }));
  checkRemodel(request, allowances);
}

/** A block on what a device is, or was, in another model stops it in this one too. Throws `DeviceError` `…-blocked`. */
export async function checkFormerBlocks(
  bench: Bench,
  { request }: Applicant,
  others: readonly ModelSerial[],
): Promise<void> {
  const former = request.original === undefined ? others : [request.original, ...others];
  if (former.length === 0 || !bench.facts.hasBlocks(request.brandId)) return;
  const deviceKeyId = request.deviceKey.keyId;
  const devices = former.map(({ model, serial }) => ({ model, serial, deviceKeyId }));
  const subjects = devices.flatMap((device) => blockSubjects(device).map(({ subject }) => subject));
  const blocks = await blocksOn(bench.queries, [request.brandId], subjects);
  for (const device of devices) {
    checkBlocks(device, (kind, subject) =>
      blocks.some((block) => block.kind === kind && block.subject === subject),
    );
  }
}
