import {
  decodePublicKey,
  decodeStream,
  list,
  optionalText,
  text,
  verifySignature,
  type Assertion,
  type PublicKey,
} from '../assertions/index.ts';
import { sentenceOf } from '../errors.ts';
import { DeviceError } from './errors.ts';
import { isSerialNumber, quoted, type SerialNumber } from './names.ts';

/** The longest serial-request stream that is read, in bytes: model assertions of big images stay well below. */
export const MAX_SERIAL_REQUEST_BYTES = 512 * 1024;

/** The smallest device key that gets a serial, in bits: what snapd makes is 4096 (protocol/devices.md 1). */
const MIN_DEVICE_KEY_BITS = 2048;

/** Who a device was before it was remodelled, as its request says. */
export interface OriginalIdentity {
  readonly brandId: string;
  readonly model: string;
  readonly serial: string;
  /** The serial that the device had; its chain is not checked yet. */
  readonly assertion: Assertion;
}

/** A serial-request whose shape and own signature hold. Its model's chain, its request-id and its rights are not checked yet. */
export interface SerialRequest {
  readonly assertion: Assertion;
  readonly model: Assertion;
  readonly brandId: string;
  readonly modelName: string;
  /** Account ids that may sign serials of this model beside the brand. */
  readonly serialAuthorities: readonly string[];
  readonly deviceKey: PublicKey;
  readonly requestId: string;
  readonly proposedSerial: SerialNumber | undefined;
  readonly original: OriginalIdentity | undefined;
}

/** What a device posted, in its right shape; nothing of it is to be believed yet. */
export interface UnverifiedRequest {
  readonly assertion: Assertion;
  readonly model: Assertion;
  readonly serial: Assertion | undefined;
}

/**
 * Reads the stream that a device posts: one serial-request, its model and, when remodelling, its former serial
 * (protocol/devices.md 1.4), in any order. Throws {@link DeviceError} with a code for each check.
 */
export function readSerialRequest(bytes: Uint8Array): UnverifiedRequest {
  const { assertion, model, serial } = pick(readStream(bytes));
  checkModel(model, text(assertion, 'brand-id'), text(assertion, 'model'));
  return { assertion, model, serial };
}

/**
 * Verifies a request's signature with the key that it carries, and reads the rest of it. Throws {@link DeviceError} with a
 * code for each check.
 */
export function verifySerialRequest({ assertion, model, serial }: UnverifiedRequest): SerialRequest {
  const brandId = text(assertion, 'brand-id');
  const modelName = text(assertion, 'model');
  const deviceKey = readDeviceKey(assertion);
  return {
    assertion,
    model,
    brandId,
    modelName,
    serialAuthorities: list(model, 'serial-authority').filter((id) => typeof id === 'string'),
    deviceKey,
    requestId: text(assertion, 'request-id'),
    proposedSerial: readProposedSerial(assertion),
    original: readOriginal(assertion, serial),
  };
}

function readStream(bytes: Uint8Array): readonly Assertion[] {
  if (bytes.length > MAX_SERIAL_REQUEST_BYTES) {
    throw new DeviceError(
      'request-too-large',
      `cannot read the serial-request: it has more than ${String(MAX_SERIAL_REQUEST_BYTES)} bytes; send a shorter registration body or model`,
    );
  }
  try {
    return decodeStream(bytes);
  } catch (cause) {
    throw new DeviceError('request-unreadable', `cannot read the serial-request: ${sentenceOf(cause)}`, {
      cause,
    });
  }
}

function pick(stream: readonly Assertion[]) {
  const only = (type: string, missing: 'serial-request-missing' | 'model-missing') => {
    const found = stream.filter((assertion) => assertion.type === type);
    const first = found[0];
    if (first === undefined) {
      throw new DeviceError(
        missing,
        `cannot accept the stream: it has no ${type} assertion; send a serial-request and its model`,
      );
    }
    if (found.length > 1) {
      throw new DeviceError(
        'assertion-unexpected',
        `cannot accept the stream: it has more than one ${type} assertion; send one`,
      );
    }
    return first;
  };
  const assertion = only('serial-request', 'serial-request-missing');
  const model = only('model', 'model-missing');
  const others = stream.filter((one) => one !== assertion && one !== model);
  const [serial, ...more] = others;
  if (more.length > 0 || (serial !== undefined && serial.type !== 'serial')) {
    throw new DeviceError(
      'assertion-unexpected',
      'cannot accept the stream: it may hold a serial-request, its model and one former serial, nothing else',
    );
  }
  return { assertion, model, serial };
}

function checkModel(model: Assertion, brandId: string, modelName: string): void {
  if (text(model, 'brand-id') !== brandId || text(model, 'model') !== modelName) {
    throw new DeviceError(
      'model-mismatch',
      `cannot accept the request: it names ${quoted(`${brandId}/${modelName}`)} and comes with another model assertion; send the one that it names`,
    );
  }
  if (text(model, 'series') !== '16') {
    throw new DeviceError('model-series', 'cannot accept the model: only series 16 is known');
  }
}

function readDeviceKey(request: Assertion): PublicKey {
  let key: PublicKey;
  try {
    key = decodePublicKey(text(request, 'device-key'));
  } catch (cause) {
    throw new DeviceError('request-unreadable', `cannot read the device-key: ${sentenceOf(cause)}`, {
      cause,
    });
  }
  if (key.bits < MIN_DEVICE_KEY_BITS) {
    throw new DeviceError(
      'device-key-weak',
      `cannot accept a device key of ${String(key.bits)} bits: use at least ${String(MIN_DEVICE_KEY_BITS)}`,
    );
  }
  try {
    verifySignature(request, key);
  } catch (cause) {
    throw new DeviceError(
      'request-signature',
      'cannot accept the request: its signature does not match its device-key; sign it with that key',
      {
        cause,
      },
    );
  }
  return key;
}

function readProposedSerial(request: Assertion): SerialNumber | undefined {
  const proposed = optionalText(request, 'serial');
  if (proposed === undefined || proposed === '') return undefined;
  if (isSerialNumber(proposed)) return proposed;
  throw new DeviceError(
    'proposed-serial-malformed',
    `cannot accept ${quoted(proposed)} as a serial number: use at most 128 letters and digits, with single "-", ":" or "+" between them`,
  );
}

function readOriginal(request: Assertion, serial: Assertion | undefined): OriginalIdentity | undefined {
  const brandId = optionalText(request, 'original-brand-id');
  const model = optionalText(request, 'original-model');
  const number = optionalText(request, 'original-serial');
  if (brandId === undefined && model === undefined && number === undefined && serial === undefined)
    return undefined;
  if (brandId === undefined || model === undefined || number === undefined || serial === undefined) {
    throw new DeviceError(
      'remodel-incomplete',
      'cannot remodel: the request needs original-brand-id, original-model, original-serial and the former serial assertion',
    );
  }
  return { brandId, model, serial: number, assertion: serial };
}
