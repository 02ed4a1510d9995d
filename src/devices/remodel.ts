import { text } from '../assertions/index.ts';
import { DeviceError } from './errors.ts';
import { quoted } from './names.ts';
import type { SerialRequest } from './serial-request.ts';

/** One line of a brand's remodel allow-list (protocol/operators.md 2.4). */
export interface RemodelAllowance {
  readonly fromModel: string;
  readonly toModel: string;
  /** Undefined: all serials of the model. */
  readonly fromSerial: string | undefined;
}

/** A serial that a device has, or had, in a model of the brand. */
export interface ModelSerial {
  readonly model: string;
  readonly serial: string;
}

/**
 * Checks a request that names no former serial, of a brand that says who may remodel: a key that has a serial in another
 * model gets one in this model by remodelling alone. For snapd makes a new key whenever it forgets a serial: when it
 * unregisters, or is reset to another model. So the same key without its former serial is no device that begins anew, but one that
 * leaves its former serial out. `others` are the key's serials in other models. Throws {@link DeviceError} `remodel-required`.
 */
export function checkNotRemodelled(request: SerialRequest, others: readonly ModelSerial[]): void {
  const [other] = others;
  if (other === undefined) return;
  throw new DeviceError(
    'remodel-required',
    `cannot make this device one of model ${quoted(request.modelName)}: its key has serial ${quoted(`${other.model}/${other.serial}`)}; remodel it, or let it make a new key`,
  );
}

/**
 * Checks a remodelling: the former serial is of this very device key and says what the request says, the brand stays, and
 * the brand allows it. That the former serial chains to a trusted root is checked by its verifier, not here.
 * Throws {@link DeviceError} `remodel-serial-mismatch`, `remodel-foreign-brand`, `remodel-not-allowed`.
 */
export function checkRemodel(request: SerialRequest, allowances: readonly RemodelAllowance[]): void {
  const { original } = request;
  if (original === undefined) return;
  checkOriginal(request);
  if (original.brandId !== request.brandId) {
    throw new DeviceError(
      'remodel-foreign-brand',
      'cannot remodel a device of another brand: register it anew',
    );
  }
  const allowed = allowances.some(
    (one) =>
      one.fromModel === original.model &&
      one.toModel === request.modelName &&
      (one.fromSerial === undefined || one.fromSerial === original.serial),
  );
  if (!allowed) {
    throw new DeviceError(
      'remodel-not-allowed',
      `cannot remodel ${quoted(`${original.model}/${original.serial}`)} to ${quoted(request.modelName)}: it is not on the brand's remodel allow-list`,
    );
  }
}

function checkOriginal(request: SerialRequest): void {
  const { original } = request;
  if (original === undefined) return;
  const same =
    text(original.assertion, 'brand-id') === original.brandId &&
    text(original.assertion, 'model') === original.model &&
    text(original.assertion, 'serial') === original.serial &&
    text(original.assertion, 'device-key-sha3-384') === request.deviceKey.keyId;
  if (!same) {
    throw new DeviceError(
      'remodel-serial-mismatch',
      'cannot remodel: the former serial is not of this device key, or not the one that the request names',
    );
  }
}
