import { AirlockError, type ErrorKind } from '../errors.ts';
import type { Fault } from './protocol.ts';

/** Every way in which the HSM can fail, closed so that callers can switch over it. */
export type HsmErrorCode =
  /** No token answers now; it is looked for all the time, so the same call may succeed later. */
  | 'hsm-unavailable'
  /** No token of that name is configured. */
  | 'hsm-token-unknown'
  /** More calls wait than the queue holds. */
  | 'hsm-busy'
  /** The token did not accept the PIN; nothing is tried again until the PIN changes. */
  | 'hsm-pin-refused'
  /** The token did not finish within its deadline, more than once. */
  | 'hsm-timeout'
  /** The token understood the call and declined it. */
  | 'hsm-refused'
  /** This connection to the HSM was closed by its owner. */
  | 'hsm-closed'
  /** What the token returned as a signature does not verify with the key's public half. */
  | 'hsm-signature-wrong'
  | 'hsm-key-not-found'
  /** Two private keys carry one id. */
  | 'hsm-key-ambiguous'
  /** A new key could be read out of the token. */
  | 'hsm-key-unprotected'
  /** The PKCS#11 module or our binding to it cannot be loaded. */
  | 'hsm-module-missing'
  /** A digest, key id or option is malformed. */
  | 'hsm-input-invalid'
  /** The embedded SoftHSM token cannot be made. */
  | 'softhsm-unusable';

const KINDS: Readonly<Record<HsmErrorCode, ErrorKind>> = {
  'hsm-unavailable': 'unavailable',
  'hsm-token-unknown': 'unavailable',
  'hsm-busy': 'unavailable',
  'hsm-pin-refused': 'unavailable',
  'hsm-timeout': 'unavailable',
  'hsm-refused': 'internal',
  'hsm-closed': 'unavailable',
  'hsm-signature-wrong': 'internal',
  'hsm-key-not-found': 'not-found',
  'hsm-key-ambiguous': 'conflict',
  'hsm-key-unprotected': 'internal',
  'hsm-module-missing': 'unavailable',
  'hsm-input-invalid': 'invalid',
  'softhsm-unusable': 'unavailable',
};

/** An error of the HSM; its sentence never holds the PIN or anything that was signed. */
export class HsmError extends AirlockError<HsmErrorCode> {
  constructor(code: HsmErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super(KINDS[code], code, sentence, options);
  }
}

/** What the caller of a failed call is told. */
export function errorOfFault(fault: Fault): HsmError {
  switch (fault.kind) {
    case 'key-missing':
      return new HsmError('hsm-key-not-found', `cannot use the key: ${fault.reason}`);
    case 'key-ambiguous':
      return new HsmError('hsm-key-ambiguous', `cannot use the key: ${fault.reason}`);
    case 'key-unprotected':
      return new HsmError('hsm-key-unprotected', `cannot keep the key: ${fault.reason}`);
    case 'pin':
      return new HsmError(
        'hsm-pin-refused',
        `cannot log in to the token: it refused the PIN that is set (${fault.reason}); set the right one, no PIN is sent until then`,
      );
    case 'pin-guarded':
      return new HsmError('hsm-pin-refused', `cannot log in to the token: ${fault.reason}`);
    case 'module':
      return new HsmError('hsm-module-missing', `cannot reach the HSM: ${fault.reason}`);
    case 'no-token':
    case 'connection':
      return new HsmError('hsm-unavailable', `cannot reach the HSM: ${fault.reason}`);
    case 'refused':
      return new HsmError('hsm-refused', `cannot do this on the token: it answered ${fault.reason}`);
  }
}
