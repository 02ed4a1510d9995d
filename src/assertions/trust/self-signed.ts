import { refWords, type Assertion } from '../assertion.ts';
import { AssertionError } from '../errors.ts';
import { text } from '../header-values.ts';
import { decodePublicKey, type PublicKey } from '../public-key.ts';
import { verifySignature } from '../signatures.ts';
import { publicKeyOf } from './key-validity.ts';

/**
 * Checks that a serial-request or an account-key-request is signed with the key that it carries.
 * @throws AssertionError `signature-invalid`, `signature-malformed`; `not-trusted` for any other type
 */
export function verifySelfSigned(assertion: Assertion): void {
  const key = carriedKey(assertion);
  requireSignedWith(assertion, key);
  verifySignature(assertion, key);
}

/**
 * Checks that a device-session-request is signed with the device key of a serial, and speaks of that very device.
 * The serial itself must be verified elsewhere.
 * @throws AssertionError `assertion-inconsistent`, `signature-invalid`, `signature-malformed`
 */
export function verifySessionRequest(request: Assertion, serial: Assertion): void {
  for (const header of ['brand-id', 'model', 'serial']) {
    if (text(request, header) !== text(serial, header)) {
      throw new AssertionError(
        'assertion-inconsistent',
        `cannot trust ${refWords(request)}: its "${header}" differs from that of the serial`,
      );
    }
  }
  const key = deviceKeyOf(serial);
  requireSignedWith(request, key);
  verifySignature(request, key);
}

/** The device key of a serial or a serial-request. */
export function deviceKeyOf(assertion: Assertion): PublicKey {
  return decodePublicKey(text(assertion, 'device-key'));
}

function carriedKey(assertion: Assertion): PublicKey {
  switch (assertion.type) {
    case 'serial-request':
      return deviceKeyOf(assertion);
    case 'account-key-request':
      return publicKeyOf(assertion);
    default:
      throw new AssertionError(
        'not-trusted',
        `cannot trust ${refWords(assertion)}: an assertion of this type does not carry the key that signed it`,
      );
  }
}

function requireSignedWith(assertion: Assertion, key: PublicKey): void {
  if (assertion.signKeyId === key.keyId) return;
  throw new AssertionError(
    'signature-invalid',
    `cannot trust ${refWords(assertion)}: it is signed with another key than ${key.keyId}`,
  );
}
