import { proxyActivities, uuid4 } from '@temporalio/workflow';

import type { SigningKeyActivities } from '../activities/signing-keys.ts';
import { keyGeneration } from './options.ts';
import type { CreatedSigningKey, CreateSigningKeyInput } from './serials-contract.ts';

const { makeSigningKey } = proxyActivities<SigningKeyActivities>(keyGeneration);

/**
 * Makes a signing key on the HSM. The CKA_ID is chosen here, once, and recorded with the name before the token is asked, so
 * that however often the step is repeated there is one key.
 */
export async function createSigningKey(input: CreateSigningKeyInput): Promise<CreatedSigningKey> {
  return makeSigningKey({ ...input, hsmKeyId: uuid4().replaceAll('-', '') });
}
