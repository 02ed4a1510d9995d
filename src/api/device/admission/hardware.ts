import {
  DeviceError,
  readHardwareProof,
  verifyHardwareProof,
  type EnrolmentPolicy,
} from '../../../devices/index.ts';
import { appendAct } from '../../../storage/index.ts';
import { claimVoucher, findVoucher } from '../../../storage/model-service/index.ts';
import type { Applicant } from './applicant.ts';
import { unlessOvertaken, type Bench } from './bench.ts';

/** A hardware identity that holds: `take` notes that this device key has it. */
export interface ProvenHardware {
  take(): Promise<void>;
}

const NOTHING: ProvenHardware = { take: async () => undefined };

interface Wanted {
  readonly mode: EnrolmentPolicy['hardware-identity'];
  /** The device key whose serial and hardware this one takes over. */
  readonly formerKeyId?: string | undefined;
}

/**
 * Checks the hardware identity as the model's policy wants it: not at all, with a note in the log when it does not hold, or
 * strictly. Throws {@link DeviceError} `hardware-identity-…` when it is required.
 */
export async function checkHardware(
  bench: Bench,
  applicant: Applicant,
  wanted: Wanted,
): Promise<ProvenHardware> {
  if (wanted.mode === 'off') return NOTHING;
  try {
    return await prove(bench, applicant, wanted.formerKeyId);
  } catch (error) {
    if (wanted.mode === 'required' || !(error instanceof DeviceError)) throw error;
    await appendAct(bench.queries, {
      at: bench.now,
      actor: 'airlock',
      act: 'hardware-identity.warn',
      subject: applicant.request.deviceKey.keyId,
      details: { code: error.code, brand: applicant.request.brandId, model: applicant.request.modelName },
    });
    return NOTHING;
  }
}

async function prove(
  bench: Bench,
  { request, body }: Applicant,
  formerKeyId: string | undefined,
): Promise<ProvenHardware> {
  const hardware = readHardwareProof(body);
  if (hardware === undefined) {
    throw new DeviceError(
      'hardware-identity-missing',
      'cannot enrol: devices of this model prove their hardware identity in the registration body',
    );
  }
  const voucher = await findVoucher(bench.queries, request.brandId, hardware.keyId);
  if (voucher === undefined) {
    throw new DeviceError(
      'hardware-identity-unknown',
      'cannot accept the hardware identity: no voucher of it was imported',
    );
  }
  verifyHardwareProof(hardware, voucher.publicKey, request.requestId);
  const deviceKeyId = request.deviceKey.keyId;
  if (voucher.usedBy !== null && voucher.usedBy !== deviceKeyId && voucher.usedBy !== formerKeyId) {
    throw new DeviceError(
      'hardware-identity-in-use',
      'cannot accept the hardware identity: another device key proved it before',
    );
  }
  const use = { hardwareKeyId: hardware.keyId, deviceKeyId, at: bench.now };
  return {
    take: async () => unlessOvertaken(await claimVoucher(bench.queries, request.brandId, use)),
  };
}
