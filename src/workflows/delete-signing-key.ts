import { proxyActivities } from '@temporalio/workflow';

import type { SigningKeyActivities } from '../activities/signing-keys.ts';
import { commit, QUEUES } from './options.ts';
import type { DeleteSigningKeyInput } from './serials-contract.ts';

const { retireSigningKey, destroySigningKey } = proxyActivities<SigningKeyActivities>({
  ...commit,
  taskQueue: QUEUES.hsm,
});

/**
 * Deletes a signing key: first from the service, in the transaction that makes sure that no policy uses it, then from the HSM.
 */
export async function deleteSigningKey(input: DeleteSigningKeyInput): Promise<void> {
  await retireSigningKey(input);
  await destroySigningKey(input);
}
