import { DeviceError } from './errors.ts';
import { isSerialNumber, MAX_NAME, parseModelName, quoted } from './names.ts';

/** What can be blocked, and how the subject is written (`serial`: MODEL/SERIAL; `api-key`: MODEL/NAME). */
export const BLOCK_KINDS = ['serial', 'device-key', 'model', 'session', 'api-key'] as const;
export type BlockKind = (typeof BLOCK_KINDS)[number];

/** A block in force. */
export interface Block {
  readonly kind: string;
  readonly subject: string;
}

/**
 * Checks that a block of this kind can ever meet somebody: its subject is written as devices are looked up by.
 * Throws {@link DeviceError} `block-malformed` with the form to use, `name-malformed`.
 */
export function checkBlockSubject(kind: BlockKind, subject: string): void {
  const [model = '', ...rest] = subject.split('/');
  const name = rest.join('/');
  switch (kind) {
    case 'model':
      parseModelName(subject);
      return;
    case 'serial':
      parseModelName(model);
      if (!isSerialNumber(name)) throw malformed(kind, subject, 'write MODEL/SERIAL');
      return;
    case 'api-key':
      parseModelName(model);
      if (name === '' || name.length > MAX_NAME) throw malformed(kind, subject, 'write MODEL/NAME');
      return;
    case 'device-key':
      if (!/^[A-Za-z0-9_-]{64}$/.test(subject))
        throw malformed(kind, subject, 'write its SHA3-384, 64 characters, as serials have it');
      return;
    case 'session':
      if (!/^[A-Za-z0-9_-]{1,128}$/.test(subject)) throw malformed(kind, subject, "write the session's id");
      return;
    default:
      return kind satisfies never;
  }
}

function malformed(kind: BlockKind, subject: string, how: string): DeviceError {
  return new DeviceError('block-malformed', `cannot block the ${kind} ${quoted(subject)}: ${how}`);
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
    throw new DeviceError(
      'model-blocked',
      `cannot serve model ${quoted(device.model)}: it is blocked; ask the brand to lift the block`,
    );
  }
  if (blocks('device-key', device.deviceKeyId)) {
    throw new DeviceError(
      'device-key-blocked',
      'cannot serve this device: its device key is blocked; ask the brand to lift the block',
    );
  }
  if (device.serial !== undefined && blocks('serial', `${device.model}/${device.serial}`)) {
    throw new DeviceError(
      'device-blocked',
      `cannot serve this device: serial ${quoted(device.serial)} is blocked; ask the brand to lift the block`,
    );
  }
}
