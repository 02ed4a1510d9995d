import { AirlockError, type ErrorKind } from '../errors.ts';
import {
  type Assertion,
  deviceKeyOf,
  optionalText,
  text,
  textList,
  verifySessionRequest,
} from '../assertions/index.ts';

/** Every reason for which no session is given. None is `unauthenticated`: a 401 here would send snapd in circles. */
const KINDS = {
  'session-request-unreadable': 'invalid',
  'session-request-mismatch': 'invalid',
  'session-request-signature': 'invalid',
  'nonce-unknown': 'invalid',
  'nonce-expired': 'invalid',
  'nonce-spent': 'invalid',
  'serial-untrusted': 'forbidden',
  'serial-authority-not-allowed': 'forbidden',
  'model-untrusted': 'forbidden',
} as const satisfies Record<string, ErrorKind>;

/** The closed set of codes of {@link SessionError}. */
export type SessionErrorCode = keyof typeof KINDS;

/** A device session that is not given; its kind follows from its code. */
export class SessionError extends AirlockError<SessionErrorCode> {
  constructor(code: SessionErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super(KINDS[code], code, sentence, options);
  }
}

/** What a device proves with its session request. */
export interface DeviceIdentity {
  readonly brandId: string;
  readonly model: string;
  readonly serial: string;
  readonly deviceKeyId: string;
  /** The `store` header of the model. */
  readonly modelStore: string | undefined;
  readonly nonce: string;
}

/** How long a session serves. */
export interface SessionLife {
  /** Seconds until a refresh reply asks the device to renew it. */
  readonly softSeconds: number;
  /** Seconds until it is refused. */
  readonly hardSeconds: number;
}

/** A day, then a week: a device that refreshes four times a day renews its session long before it ends. */
export const SESSION_LIFE: SessionLife = { softSeconds: 24 * 60 * 60, hardSeconds: 7 * 24 * 60 * 60 };

/** The three assertions that a device sends (protocol/devices.md section 2). */
export interface SessionRequest {
  readonly request: Assertion;
  readonly serial: Assertion;
  readonly model: Assertion;
}

/**
 * Checks everything about a session request that the three assertions tell by themselves: types, that they speak of
 * one device, that the model lets the serial's authority speak for its brand, and that the device key signed the
 * request. Their chains to a trusted root, the nonce and blocks are the caller's matter.
 * Throws {@link SessionError}.
 */
export function checkSessionRequest({ request, serial, model }: SessionRequest): DeviceIdentity {
  if (request.type !== 'device-session-request' || serial.type !== 'serial' || model.type !== 'model') {
    throw new SessionError(
      'session-request-unreadable',
      'cannot open a session: a device-session-request, a serial and a model assertion are needed',
    );
  }
  const same = ['brand-id', 'model', 'serial'].every(
    (header) => text(request, header) === text(serial, header),
  );
  if (!same || ['brand-id', 'model'].some((header) => text(serial, header) !== text(model, header))) {
    throw new SessionError(
      'session-request-mismatch',
      'cannot open a session: request, serial and model speak of different devices',
    );
  }
  checkAuthority(serial, model);
  try {
    verifySessionRequest(request, serial);
  } catch (cause) {
    throw new SessionError(
      'session-request-signature',
      'cannot open a session: the request is not signed with the device key of the serial',
      { cause },
    );
  }
  return {
    brandId: text(model, 'brand-id'),
    model: text(model, 'model'),
    serial: text(serial, 'serial'),
    deviceKeyId: deviceKeyOf(serial).keyId,
    modelStore: optionalText(model, 'store'),
    nonce: text(request, 'nonce'),
  };
}

function checkAuthority(serial: Assertion, model: Assertion): void {
  const brand = text(model, 'brand-id');
  if (serial.authorityId === brand) return;
  if (serial.authorityId !== undefined && textList(model, 'serial-authority').includes(serial.authorityId))
    return;
  throw new SessionError(
    'serial-authority-not-allowed',
    'cannot open a session: the model does not let the authority of the serial speak for its brand',
  );
}
