import { DeviceError } from './errors.ts';
import type { EnrolmentPolicy } from './enrolment-policy.ts';
import { inNetworks } from './networks.ts';
import type { ListedSerial } from './serial-numbers.ts';

/** What is known about a device that has no serial of this model yet. */
export interface EnrolmentFacts {
  readonly now: Date;
  /** The address that the request came from. */
  readonly address: string | undefined;
  /** How many serials of the model there are already, promised ones included. */
  readonly enrolled: number;
  /** The model's allow-list entry for this device (see `pickListed`). */
  readonly entry: ListedSerial | undefined;
  /** Whether the device's claim code is good: see `readClaim`; `spent` when another device key used it. */
  readonly claim: 'none' | 'good' | 'wrong' | 'spent';
  /** What an admin said about this device; undefined: not asked yet; `reopened`: yes, but to another serial number. */
  readonly approval: 'pending' | 'approved' | 'refused' | 'reopened' | undefined;
  /** What the webhook said about this request; undefined: not asked yet. */
  readonly verdict: boolean | undefined;
}

/**
 * What an admin's decision means for a device that asks now. A yes is for the serial number that the admin saw: a device that
 * asks for another one asks anew. A no is for the device.
 */
export function approvalFor(
  asked: { readonly state: string; readonly proposedSerial: string | null } | undefined,
  proposed: string | undefined,
): EnrolmentFacts['approval'] {
  switch (asked?.state) {
    case 'approved':
      return asked.proposedSerial === (proposed ?? null) ? 'approved' : 'reopened';
    case 'refused':
    case 'pending':
      return asked.state;
    default:
      return undefined;
  }
}

/**
 * Whether the decision about one device depends on how many others there are, or on what they took: then hosts that share a
 * database must decide one after the other.
 */
export function isDecidedInTurn(policy: EnrolmentPolicy): boolean {
  return policy.quota !== null || policy.mode === 'approval' || policy.serials === 'allow-list';
}

/** What follows for a device that nothing speaks against. */
export type EnrolmentDecision =
  /** It gets a serial. */
  | 'admit'
  /** An admin has to decide; the device polls. */
  | 'await-approval'
  /** The webhook has to be asked, outside any transaction; then decide again with its verdict. */
  | 'ask-webhook';

/**
 * Decides whether a device may enrol, cheapest rule first. A device that has its serial is never asked again.
 * Throws {@link DeviceError} `enrolment-…` with a code for each rule.
 */
export function decideEnrolment(policy: EnrolmentPolicy, facts: EnrolmentFacts): EnrolmentDecision {
  checkWindow(policy, facts.now);
  if (policy.networks.length > 0 && !inNetworks(facts.address, policy.networks)) {
    throw new DeviceError(
      'enrolment-network',
      'cannot enrol: devices of this model enrol from other networks than the one this request came from',
    );
  }
  if (policy.quota !== null && facts.enrolled >= policy.quota) {
    throw new DeviceError(
      'enrolment-quota',
      `cannot enrol: the ${String(policy.quota)} serials of this model are used up; raise its quota`,
    );
  }
  return decideMode(policy, facts);
}

function decideMode(policy: EnrolmentPolicy, facts: EnrolmentFacts): EnrolmentDecision {
  switch (policy.mode) {
    case 'open':
      return 'admit';
    case 'allow-list':
      if (facts.entry !== undefined) return 'admit';
      throw new DeviceError(
        'enrolment-not-listed',
        "cannot enrol: the device is not on its model's allow-list",
      );
    case 'claims':
      checkClaim(facts.claim);
      return 'admit';
    case 'approval':
      if (facts.approval === 'approved') return 'admit';
      if (facts.approval === 'refused') {
        throw new DeviceError('enrolment-refused', 'cannot enrol: an admin of the brand refused this device');
      }
      return 'await-approval';
    case 'webhook':
      if (facts.verdict === undefined) return 'ask-webhook';
      if (facts.verdict) return 'admit';
      throw new DeviceError(
        'enrolment-webhook-refused',
        "cannot enrol: the brand's decision service refused this device",
      );
  }
}

function checkWindow(policy: EnrolmentPolicy, now: Date): void {
  const { 'not-before': notBefore, 'not-after': notAfter } = policy;
  if (notBefore !== null && now.getTime() < Date.parse(notBefore)) {
    throw new DeviceError('enrolment-too-early', `cannot enrol before ${notBefore}`);
  }
  if (notAfter !== null && now.getTime() >= Date.parse(notAfter)) {
    throw new DeviceError('enrolment-closed', `cannot enrol: enrolment of this model closed at ${notAfter}`);
  }
}

function checkClaim(claim: EnrolmentFacts['claim']): void {
  switch (claim) {
    case 'good':
      return;
    case 'none':
      throw new DeviceError(
        'enrolment-claim-missing',
        'cannot enrol: devices of this model bring a claim code, as header "claim-code" or in the registration body',
      );
    case 'wrong':
      throw new DeviceError(
        'enrolment-claim-wrong',
        'cannot enrol: the claim code is not one of this model and serial',
      );
    case 'spent':
      throw new DeviceError('enrolment-claim-spent', 'cannot enrol: another device used this claim code');
  }
}
