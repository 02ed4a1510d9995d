import { CK, faultKindOf, type FaultKind } from './cryptoki.ts';
import type { Fault } from './protocol.ts';

/** A failure inside the child process, already sorted; it travels to the parent as a {@link Fault}. */
export class TokenFault extends Error {
  readonly kind: FaultKind;

  constructor(kind: FaultKind, reason: string) {
    super(reason);
    this.name = 'TokenFault';
    this.kind = kind;
  }
}

/** The return value of a failed PKCS#11 call, or nothing when the error is of another sort. */
export function returnValueOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return undefined;
  return error.message.startsWith('CKR_') ? error.code : undefined;
}

/** What the parent is told about any thrown value. Native messages carry names of functions and return values only. */
export function faultOf(error: unknown): Fault {
  if (error instanceof TokenFault) return { kind: error.kind, reason: error.message };
  const value = returnValueOf(error);
  if (error instanceof Error && value !== undefined) {
    const where =
      'method' in error && typeof error.method === 'string' && error.method !== ''
        ? ` at ${error.method}`
        : '';
    return { kind: faultKindOf(value), reason: `${error.message}${where}` };
  }
  return { kind: 'connection', reason: error instanceof Error ? error.message : String(error) };
}

/** Why no PIN may be sent to a token with these flags, or nothing when one more try is safe. */
export function pinGuard(tokenFlags: number): TokenFault | undefined {
  if ((tokenFlags & CK.CKF_USER_PIN_LOCKED) !== 0) {
    return new TokenFault(
      'pin-guarded',
      'the token has locked its PIN; unlock it with its security officer PIN',
    );
  }
  if ((tokenFlags & CK.CKF_USER_PIN_FINAL_TRY) !== 0) {
    return new TokenFault(
      'pin-guarded',
      'one more wrong PIN would lock the token; log in to it once with another tool, such as `pkcs11-tool --login`',
    );
  }
  return undefined;
}
