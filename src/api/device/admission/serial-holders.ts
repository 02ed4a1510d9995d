import { checkBlocks, DeviceError } from '../../../devices/index.ts';
import { appendAct } from '../../../storage/index.ts';
import { foreignHolders, type IntentRecord } from '../../../storage/model-service/index.ts';
import type { Applicant } from './applicant.ts';
import { Overtaken, type Bench } from './bench.ts';
import type { ModelEntry } from './model-book.ts';

/** Throws `DeviceError` `device-blocked` when the serial number that a device is to get is blocked. */
export async function checkSerialBlock(bench: Bench, applicant: Applicant, serial: string): Promise<void> {
  const { request } = applicant;
  const blocked = await bench.facts.isSerialBlocked(applicant, serial);
  checkBlocks(
    { model: request.modelName, serial, deviceKeyId: request.deviceKey.keyId },
    (kind) => kind === 'serial' && blocked,
  );
}

/** Who has a serial number of the applicant's model, and is not the applicant. */
export interface Holder {
  readonly deviceKeyId: string;
  /** What it has here; undefined: another service signed the serial. */
  readonly intent: IntentRecord | undefined;
  /** The revision that the other service's log tells. */
  readonly revision: number;
}

/** Finds who else has a serial number, here or in what was taken over from another service. */
export async function holderOf(
  bench: Bench,
  applicant: Applicant,
  { serial, model }: { readonly serial: string; readonly model: ModelEntry },
): Promise<Holder | undefined> {
  const { brandId, modelName, deviceKey } = applicant.request;
  const intent = await bench.facts.holderOf(applicant, serial);
  // Another host recorded this very device between two of our queries: judged anew, it finds its own intent.
  if (intent?.deviceKeyId === deviceKey.keyId) throw new Overtaken();
  if (intent !== undefined) return { deviceKeyId: intent.deviceKeyId, intent, revision: 0 };
  if (!model.hasForeignSerials) return undefined;
  const foreign = await foreignHolders(bench.queries, { brandId, modelName, serial });
  if (foreign.some(({ deviceKeyId }) => deviceKeyId === deviceKey.keyId)) return undefined;
  const last = foreign.at(-1);
  return last && { deviceKeyId: last.deviceKeyId, intent: undefined, revision: last.revision };
}

/** Refuses a serial number that another device key has, and logs it. Throws `DeviceError` `serial-in-use`. */
export async function checkFree(
  bench: Bench,
  applicant: Applicant,
  of: { readonly serial: string; readonly model: ModelEntry },
): Promise<void> {
  const holder = await holderOf(bench, applicant, of);
  if (holder === undefined) return;
  const { brandId, modelName, deviceKey } = applicant.request;
  await appendAct(bench.queries, {
    at: bench.now,
    actor: 'airlock',
    act: 'serial.refuse-duplicate',
    subject: `${brandId}/${modelName}/${of.serial}`,
    details: {
      'device-key': deviceKey.keyId,
      'held-by': holder.deviceKeyId,
      address: applicant.address ?? '',
    },
  });
  throw new DeviceError(
    'serial-in-use',
    `cannot give serial ${JSON.stringify(of.serial)} to this device: another device key has it; an admin can permit a replaced board`,
  );
}
