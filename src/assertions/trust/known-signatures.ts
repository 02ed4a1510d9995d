import type { Assertion } from '../assertion.ts';
import { AssertionError } from '../errors.ts';
import { text } from '../header-values.ts';
import type { PublicKey } from '../public-key.ts';
import { publicRoot } from '../public-root.ts';
import { verifySignature } from '../signatures.ts';
import { publicKeyOf } from './key-validity.ts';
import { verifySelfSigned } from './self-signed.ts';

/**
 * Checks the signatures that assertions prove of each other, where nothing else is known: those whose account-key is among
 * them, or is the root of the public store. Says nothing of whether a key may sign, or is to be trusted.
 * @returns those whose key is not here
 * @throws AssertionError `signature-invalid`, `signature-malformed`, for the first that is wrong
 */
export function verifyKnownSignatures(assertions: readonly Assertion[]): ReadonlySet<Assertion> {
  const keys = new Map<string, PublicKey>();
  for (const one of [...publicRoot(), ...assertions])
    if (one.type === 'account-key') {
      const key = publicKeyOf(one);
      keys.set(`${text(one, 'account-id')} ${key.keyId}`, key);
    }
  return new Set(assertions.filter((one) => !isVerified(one, keys)));
}

function isVerified(assertion: Assertion, keys: ReadonlyMap<string, PublicKey>): boolean {
  const { authorityId, signKeyId } = assertion;
  if (authorityId === undefined) return isSelfSigned(assertion);
  const key = keys.get(`${authorityId} ${signKeyId}`);
  if (key === undefined) return false;
  verifySignature(assertion, key);
  return true;
}

/** Whether the key that signed it is in itself; then the signature was checked. */
function isSelfSigned(assertion: Assertion): boolean {
  try {
    verifySelfSigned(assertion);
    return true;
  } catch (error) {
    if (error instanceof AssertionError && error.code === 'not-trusted') return false;
    throw error;
  }
}
