import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';

import type { SigningKeyActivities } from '../activities/signing-keys.ts';
import { commit, QUEUES, upstream } from './options.ts';
import {
  ACCOUNT_KEY_PUSHED,
  REGISTRATION_STATE,
  type RegisterSigningKeyInput,
  type RegistrationState,
} from './serials-contract.ts';

const hsm = proxyActivities<SigningKeyActivities>({ ...commit, taskQueue: QUEUES.hsm });
const store = proxyActivities<SigningKeyActivities>({ ...upstream, taskQueue: QUEUES.hsm });

/** Says that account-keys were pushed: look at once. */
export const accountKeyPushed = defineSignal(ACCOUNT_KEY_PUSHED);
/** How far the registration is. */
export const registrationState = defineQuery<RegistrationState>(REGISTRATION_STATE);

/** Looks of one run; then the history begins anew. */
const LOOKS = 500;
/** The pause between two looks grows to this many times the first. */
const GROWTH = 100;

/**
 * Registers a signing key: signs its account-key-request on the HSM, hands it to the store that vouches for the brand's keys
 * or leaves it to be carried there, and waits, for months if need be, until the account-key is pushed.
 */
export async function registerSigningKey(input: RegisterSigningKeyInput): Promise<RegistrationState> {
  let state: RegistrationState = 'signing-request';
  let pushed = false;
  setHandler(registrationState, () => state);
  setHandler(accountKeyPushed, () => {
    pushed = true;
  });
  await hsm.signKeyRequest(input);
  if (input.deliver === 'upstream') {
    state = 'handing-over';
    await store.submitKeyRequest(input);
  }
  state = 'awaiting-account-key';
  for (let look = 0; look < LOOKS; look += 1) {
    pushed = false;
    if (await hsm.noteRegistered(input)) {
      state = 'registered';
      return state;
    }
    const pause = input.lookEverySeconds * Math.min(1 + look, GROWTH);
    await condition(() => pushed, `${String(pause)}s`);
  }
  return continueAsNew<typeof registerSigningKey>({ ...input, deliver: 'file' });
}
