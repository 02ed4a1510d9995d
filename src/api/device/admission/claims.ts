import { readClaim, type EnrolmentFacts } from '../../../devices/index.ts';
import { claimSpentBy } from '../../../storage/model-service/index.ts';
import type { Applicant } from './applicant.ts';
import type { Bench } from './bench.ts';

/** A device's claim code, as far as it was looked at. */
export interface ClaimState {
  readonly state: EnrolmentFacts['claim'];
  /** The serial number that a genuine code is for. */
  readonly label?: string;
  /** Whether nobody used it yet. */
  readonly fresh: boolean;
}

/** Reads an applicant's claim code, and who used it. */
export async function readClaimOf(bench: Bench, applicant: Applicant): Promise<ClaimState> {
  const { request } = applicant;
  if (applicant.claimCode === undefined) return { state: 'none', fresh: false };
  const label = claimedSerial(bench, applicant);
  // A claim code is for one serial number: whoever proposes another has no use for it.
  if (label === undefined || (request.proposedSerial ?? label) !== label)
    return { state: 'wrong', fresh: false };
  const spentBy = await claimSpentBy(bench.queries, request, label);
  if (spentBy !== undefined && spentBy !== request.deviceKey.keyId)
    return { state: 'spent', label, fresh: false };
  return { state: 'good', label, fresh: spentBy === undefined };
}

/** The serial number that a genuine claim code is for; undefined without one. */
export function claimedSerial(bench: Bench, { request, claimCode }: Applicant): string | undefined {
  if (claimCode === undefined) return undefined;
  const { brandId, modelName } = request;
  return readClaim(bench.claimSecret(brandId, modelName), { brandId, model: modelName, code: claimCode })
    ?.label;
}
