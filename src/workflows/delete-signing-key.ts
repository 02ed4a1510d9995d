import { getExternalWorkflowHandle, patched, proxyActivities } from '@temporalio/workflow';

import type { SigningKeyActivities } from '../activities/signing-keys.ts';
import { commit, owedByHsm, QUEUES } from './options.ts';
import { registerKeyId, type DeleteSigningKeyInput } from './serials-contract.ts';

const { retireSigningKey } = proxyActivities<SigningKeyActivities>({ ...commit, taskQueue: QUEUES.hsm });
const { destroySigningKey } = proxyActivities<SigningKeyActivities>(owedByHsm);

/**
 * Deletes a signing key: first from the service, in the transaction that makes sure that no policy uses it, then from the HSM,
 * for as long as that is away. A registration that still waits for the key's account-key ends.
 */
export async function deleteSigningKey(input: DeleteSigningKeyInput): Promise<void> {
  await retireSigningKey(input);
  if (patched('end-registration')) await endRegistration(input.keyId);
  await destroySigningKey(input);
}

async function endRegistration(keyId: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(registerKeyId(keyId)).cancel();
  } catch {
    // None was begun, or it has ended.
  }
}
