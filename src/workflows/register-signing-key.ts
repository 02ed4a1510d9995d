import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';

import type { SigningKeyActivities } from '../activities/signing-keys.ts';
import { commit, handingOver, owedByHsm, QUEUES } from './options.ts';
import {
  ACCOUNT_KEY_PUSHED,
  HAND_OVER,
  HANDED_OVER,
  REGISTRATION_STATE,
  type RegisterSigningKeyInput,
  type RegistrationState,
} from './serials-contract.ts';

const hsm = proxyActivities<SigningKeyActivities>({ ...commit, taskQueue: QUEUES.hsm });
const signer = proxyActivities<SigningKeyActivities>(owedByHsm);
const store = proxyActivities<SigningKeyActivities>({ ...handingOver, taskQueue: QUEUES.hsm });

/** Says that account-keys were pushed: look at once. */
export const accountKeyPushed = defineSignal(ACCOUNT_KEY_PUSHED);
/** Asks for the request to be handed over from here, also of a registration that began with a file. */
export const handOver = defineSignal(HAND_OVER);
/** Whether it was. */
export const handedOver = defineQuery<boolean>(HANDED_OVER);
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
  let wanted = input.deliver === 'upstream';
  let handed = false;
  setHandler(handedOver, () => handed);
  setHandler(handOver, () => {
    wanted = true;
  });
  setHandler(registrationState, () => state);
  setHandler(accountKeyPushed, () => {
    pushed = true;
  });
  await signer.signKeyRequest(input);
  for (let look = 0; look < LOOKS; look += 1) {
    if (wanted && !handed) {
      state = 'handing-over';
      await store.submitKeyRequest(input);
      handed = true;
    }
    state = 'awaiting-account-key';
    pushed = false;
    if (await hsm.noteRegistered(input)) {
      state = 'registered';
      return state;
    }
    const pause = input.lookEverySeconds * Math.min(1 + look, GROWTH);
    await condition(() => pushed || (wanted && !handed), `${String(pause)}s`);
  }
  return continueAsNew<typeof registerSigningKey>({ ...input, deliver: 'file' });
}
