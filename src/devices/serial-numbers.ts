import { createHash } from 'node:crypto';

import { DeviceError } from './errors.ts';
import type { SerialNumber } from './names.ts';
import { isSerialNumber, parseSerialNumber } from './names.ts';

/** Where a model's serial numbers come from. */
export type SerialSource =
  /** The device proposes; without a proposal it is refused. */
  | 'proposed'
  /** The device proposes, or the service makes one. The default. */
  | 'proposed-or-made'
  /** The service makes every one; proposals are ignored, as snapd allows. */
  | 'made'
  /** From the model's allow-list: the entry bound to the device key, the one proposed, or the first that is free. */
  | 'allow-list';

/** How the numbers of a model come about. */
export interface SerialScheme {
  readonly source: SerialSource;
  /** Stands before each number that the service makes. */
  readonly prefix: string;
}

const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * The serial number that the service makes for a device: the prefix and 20 characters (100 bits, Crockford base32 in groups
 * of five) of a SHA-256 over brand, model and device key id. It needs no counter and no luck: the same device always gets the
 * same number, on any host, before and after a loss of the database.
 */
export function madeSerial(of: {
  readonly brandId: string;
  readonly model: string;
  readonly deviceKeyId: string;
  readonly prefix: string;
}): SerialNumber {
  const digest = createHash('sha256')
    .update(`airlock serial\0${of.brandId}\0${of.model}\0${of.deviceKeyId}`)
    .digest();
  return parseSerialNumber(of.prefix + base32Groups(digest, 20));
}

/** The first `length` characters of the bytes in Crockford base32, a hyphen after every five. */
export function base32Groups(bytes: Uint8Array, length: number): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5 && text.length < length) {
      bits -= 5;
      text += CROCKFORD[(held >> bits) & 31] ?? '';
      held &= (1 << bits) - 1;
    }
  }
  return text.replace(/.{5}(?=.)/g, '$&-');
}

/** An entry of a model's allow-list. */
export interface ListedSerial {
  readonly serial: string;
  /** The only device key that may take it; undefined: any. */
  readonly deviceKeyId: string | undefined;
  /** The device key that has it. */
  readonly takenBy: string | undefined;
}

/**
 * Picks the serial number for a device that has none yet. `entry` is the allow-list entry that {@link pickListed} found;
 * `former` is the number that a remodelled device had, which it keeps when nothing else is said.
 * Throws {@link DeviceError} `serial-required`, `serial-list-empty`.
 */
export function chooseSerial(
  scheme: SerialScheme,
  device: {
    readonly brandId: string;
    readonly model: string;
    readonly deviceKeyId: string;
    readonly proposed: SerialNumber | undefined;
    readonly former: string | undefined;
    readonly entry: ListedSerial | undefined;
  },
): SerialNumber {
  const former = device.former !== undefined && isSerialNumber(device.former) ? device.former : undefined;
  const proposed = device.proposed ?? former;
  const made = () => madeSerial({ ...device, prefix: scheme.prefix });
  switch (scheme.source) {
    case 'proposed':
      if (proposed !== undefined) return proposed;
      throw new DeviceError(
        'serial-required',
        'cannot choose a serial number: devices of this model propose theirs; set registration.proposed-serial in the gadget',
      );
    case 'proposed-or-made':
      return proposed ?? made();
    case 'made':
      return made();
    case 'allow-list':
      if (device.entry !== undefined) return parseSerialNumber(device.entry.serial);
      throw new DeviceError(
        'serial-list-empty',
        'cannot choose a serial number: the allow-list of this model has none that is free for this device',
      );
  }
}

/**
 * Finds the allow-list entry for a device: the one bound to its key, else the one of its proposed number if it is free or
 * already its own. With `pool`, a device that proposes nothing takes the first free and unbound entry.
 */
export function pickListed(
  entries: readonly ListedSerial[],
  device: { readonly deviceKeyId: string; readonly proposed: string | undefined; readonly pool: boolean },
): ListedSerial | undefined {
  const free = (entry: ListedSerial) =>
    (entry.deviceKeyId === undefined || entry.deviceKeyId === device.deviceKeyId) &&
    (entry.takenBy === undefined || entry.takenBy === device.deviceKeyId);
  const own = entries.filter(
    (entry) => entry.takenBy === device.deviceKeyId || entry.deviceKeyId === device.deviceKeyId,
  );
  const wanted = (entry: ListedSerial) => device.proposed === undefined || entry.serial === device.proposed;
  return (
    own.find((entry) => free(entry) && wanted(entry)) ??
    (device.proposed === undefined
      ? entries.find((entry) => device.pool && entry.deviceKeyId === undefined && free(entry))
      : entries.find((entry) => entry.serial === device.proposed && free(entry)))
  );
}
