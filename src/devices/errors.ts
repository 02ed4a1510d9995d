import { AirlockError, type ErrorKind } from '../errors.ts';

/**
 * Every reason for which the Model Service refuses, with what the reason means to whoever asked.
 *
 * Nothing here is `unauthenticated`: a device that registers has no session, and snapd must never see a 401 on these
 * paths (protocol/devices.md section 8). What an operator has to mend is a `conflict`, which snapd shows to its user;
 * only what mends itself is `unavailable`, which snapd retries each minute without showing anything.
 */
const KINDS = {
  // shape of the request
  'request-too-large': 'too-large',
  'request-unreadable': 'invalid',
  'serial-request-missing': 'invalid',
  'model-missing': 'invalid',
  'assertion-unexpected': 'invalid',
  'model-mismatch': 'invalid',
  'model-series': 'invalid',
  'request-signature': 'invalid',
  'device-key-weak': 'invalid',
  'proposed-serial-malformed': 'invalid',
  // request-id
  'request-id-unknown': 'invalid',
  'request-id-expired': 'invalid',
  'request-id-spent': 'conflict',
  // API key
  'api-key-missing': 'forbidden',
  'api-key-wrong': 'forbidden',
  'api-key-expired': 'forbidden',
  'api-key-malformed': 'invalid',
  // model, policy, key
  'model-unknown': 'not-found',
  'model-untrusted': 'forbidden',
  'policy-missing': 'conflict',
  'authority-not-allowed': 'conflict',
  'signing-key-unregistered': 'conflict',
  'signing-key-not-yet-valid': 'conflict',
  'signing-key-expired': 'conflict',
  'signing-key-revoked': 'conflict',
  'signing-key-foreign': 'conflict',
  'signing-key-constrained': 'conflict',
  'key-bounds-malformed': 'invalid',
  // serial numbers
  'serial-required': 'invalid',
  'serial-in-use': 'conflict',
  'serial-list-empty': 'conflict',
  // remodel
  'remodel-incomplete': 'invalid',
  'remodel-serial-mismatch': 'invalid',
  'remodel-serial-untrusted': 'forbidden',
  'remodel-foreign-brand': 'forbidden',
  'remodel-not-allowed': 'forbidden',
  'remodel-required': 'forbidden',
  // enrolment
  'enrolment-not-listed': 'forbidden',
  'enrolment-too-early': 'forbidden',
  'enrolment-closed': 'forbidden',
  'enrolment-network': 'forbidden',
  'enrolment-quota': 'forbidden',
  'enrolment-claim-missing': 'forbidden',
  'enrolment-claim-wrong': 'forbidden',
  'enrolment-claim-spent': 'conflict',
  'enrolment-refused': 'forbidden',
  'enrolment-queue-full': 'unavailable',
  'enrolment-webhook-refused': 'forbidden',
  'enrolment-webhook-unavailable': 'unavailable',
  'enrolment-policy-malformed': 'invalid',
  // hardware identity
  'hardware-identity-missing': 'forbidden',
  'hardware-identity-malformed': 'invalid',
  'hardware-identity-unknown': 'forbidden',
  'hardware-identity-signature': 'forbidden',
  'hardware-identity-in-use': 'conflict',
  // blocks
  'device-blocked': 'forbidden',
  'device-key-blocked': 'forbidden',
  'block-malformed': 'invalid',
  'model-blocked': 'forbidden',
  'api-key-blocked': 'forbidden',
  // names and lists that an admin gives
  'name-malformed': 'invalid',
  'list-malformed': 'invalid',
  // load
  'too-busy': 'unavailable',
} as const satisfies Record<string, ErrorKind>;

/** The closed set of codes of {@link DeviceError}. */
export type DeviceErrorCode = keyof typeof KINDS;

/** A rule of serial requests, serials or enrolment that does not hold; its kind follows from its code. */
export class DeviceError extends AirlockError<DeviceErrorCode> {
  constructor(code: DeviceErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super(KINDS[code], code, sentence, options);
  }
}
