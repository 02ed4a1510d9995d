import { DeviceError } from './errors.ts';
import { quoted } from './names.ts';

/** What can be blocked, and how the subject is written (`serial`: MODEL/SERIAL; `api-key`: MODEL/NAME). */
export const BLOCK_KINDS = ['serial', 'device-key', 'model', 'session', 'api-key'] as const;
export type BlockKind = (typeof BLOCK_KINDS)[number];

/** A block in force. */
export interface Block {
  readonly kind: string;
  readonly subject: string;
}

/** Who asks, as far as blocks go. */
export interface BlockSubject {
  readonly model: string;
  readonly serial: string | undefined;
  readonly deviceKeyId: string;
}

/** The blocks of a brand that would stop this device: for a look-up. */
export function blockSubjects(device: BlockSubject): Block[] {
  return [
    { kind: 'model', subject: device.model },
    { kind: 'device-key', subject: device.deviceKeyId },
    ...(device.serial === undefined ? [] : [{ kind: 'serial', subject: `${device.model}/${device.serial}` }]),
  ];
}

/** Throws {@link DeviceError} `model-blocked`, `device-key-blocked`, `device-blocked` when one of the blocks is on the device. */
export function checkBlocks(device: BlockSubject, blocks: (kind: string, subject: string) => boolean): void {
  if (blocks('model', device.model)) {
    throw new DeviceError('model-blocked', `cannot serve model ${quoted(device.model)}: it is blocked`);
  }
  if (blocks('device-key', device.deviceKeyId)) {
    throw new DeviceError('device-key-blocked', 'cannot serve this device: its device key is blocked');
  }
  if (device.serial !== undefined && blocks('serial', `${device.model}/${device.serial}`)) {
    throw new DeviceError(
      'device-blocked',
      `cannot serve this device: serial ${quoted(device.serial)} is blocked`,
    );
  }
}
