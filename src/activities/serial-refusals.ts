import { DeviceError } from '../devices/index.ts';
import { HsmError } from '../hsm/index.ts';
import type { ClosedPromise, ClosedReason, IntentToSign } from '../storage/model-service/index.ts';

/** Whether waiting cannot help: the key is gone or may not sign. Everything else is tried again. */
export function isFinal(failure: unknown): boolean {
  if (failure instanceof DeviceError) return failure.kind !== 'unavailable';
  return failure instanceof HsmError && (failure.kind === 'not-found' || failure.kind === 'invalid');
}

/** A promise whose key cannot keep it; it stands while a policy names the key and that may be found on its token again. */
export interface Unkeepable extends ClosedPromise {
  readonly mayComeBack: boolean;
}

/** A promise of a batch that no retry keeps, and the error that says why. */
export interface Refusal {
  readonly intent: IntentToSign;
  readonly reason: unknown;
}

/** The promises of a batch that no retry keeps. */
export function refusals(
  intents: readonly IntentToSign[],
  results: readonly PromiseSettledResult<unknown>[],
): Refusal[] {
  return intents.flatMap((intent, index) => {
    const result = results[index];
    const reason: unknown = result?.status === 'rejected' ? result.reason : undefined;
    return isFinal(reason) ? [{ intent, reason }] : [];
  });
}

/** What a promise that no retry keeps is closed with. */
export function unkeepable({ intent, reason }: Refusal): Unkeepable {
  const mayComeBack = reason instanceof KeyGone || reason instanceof HsmError;
  return { intent, reason: closedReason(reason), mayComeBack };
}

function closedReason(failure: unknown): ClosedReason {
  if (!(failure instanceof DeviceError)) return 'key-unusable';
  if (failure.code === 'signing-key-revoked') return 'key-revoked';
  return failure.code === 'signing-key-expired' ? 'key-expired' : 'key-unusable';
}

/** So that a promise by such a key is told apart: it may come back. */
class KeyGone extends DeviceError {}

/** A key was not found on its token, or another one under its id. */
export function gone(intent: IntentToSign): DeviceError {
  return new KeyGone(
    'signing-key-unregistered',
    `cannot sign with key ${intent.signKeyId}: it is not on the HSM token "${intent.token}"; bring back the token that holds it, or put another key in the serial policies that name it`,
  );
}
