import type { KeyObject } from 'node:crypto';
import type { Assertion } from '../../src/assertions/index.ts';

/** How a device was made and where it is told to go. */
export interface DeviceOptions {
  /** Address of the store, as `proxy.store` or a forced API address gives it. */
  readonly store: string;
  /** Address of a device service of its own; without it, serials come from the store's address. */
  readonly service?: string;
  /** Headers of its gadget, such as the API key. */
  readonly headers?: { readonly [name: string]: string };
  readonly model: Assertion;
  /** The roots that its system was built to trust. */
  readonly roots: readonly Assertion[];
  /** What it was seeded with besides: the model's account and account-key. */
  readonly seed?: readonly Assertion[];
  readonly architecture?: string;
  /** Length of the device key; real devices have 4096. */
  readonly keyBits?: number;
  /** A key made beforehand, instead of a new one. */
  readonly key?: KeyObject;
  readonly proposedSerial?: string;
  readonly registrationBody?: string;
  /** How long to wait before the same serial-request is posted again after 202; real devices wait 60 s. */
  readonly pollMs?: number;
}

/** What a serial-request led to: the serial, or word that it is not ready. */
export type SerialOutcome = { readonly ready: false } | { readonly ready: true; readonly serial: Assertion };
