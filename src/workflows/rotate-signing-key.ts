import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  getExternalWorkflowHandle,
  ParentClosePolicy,
  proxyActivities,
  setHandler,
  startChild,
  uuid4,
} from '@temporalio/workflow';

import type { SigningKeyActivities } from '../activities/signing-keys.ts';
import { commit, keyGeneration, QUEUES } from './options.ts';
import { handOver, registerSigningKey } from './register-signing-key.ts';
import {
  registerKeyId,
  ROTATE_AGAIN,
  ROTATION_STATE,
  type RotateAgain,
  type RotateSigningKeyInput,
  type RotationState,
} from './serials-contract.ts';

const { makeSigningKey } = proxyActivities<SigningKeyActivities>(keyGeneration);
const { moveKeyPolicies } = proxyActivities<SigningKeyActivities>({ ...commit, taskQueue: QUEUES.hsm });

/** Somebody asks for the same rotation again: look at once. */
export const rotateAgain = defineSignal<[RotateAgain]>(ROTATE_AGAIN);
/** How far the rotation is. */
export const rotationState = defineQuery<RotationState>(ROTATION_STATE);

/** Looks of one run; then the history begins anew. */
const LOOKS = 500;
/** The pause between two looks where the registration is not this process's own. */
const PAUSE = '5m';

/**
 * Puts a new signing key in an old one's place: makes it on the HSM, unless it is there; has it registered, and waits, for months if need
 * be, until its account-key is pushed; then moves every policy in one transaction. The old key stays.
 */
export async function rotateSigningKey(input: RotateSigningKeyInput): Promise<RotationState> {
  let { acceptsWider, deliver } = input;
  let again = false;
  let ended = false;
  let state: RotationState = { name: input.name, step: 'making-key' };
  setHandler(rotationState, () => state);
  setHandler(rotateAgain, (asked) => {
    if (asked.name !== input.name) return;
    acceptsWider ||= asked.acceptsWider;
    if (asked.deliver === 'upstream') deliver = 'upstream';
    again = true;
    if (state.step === 'awaiting-account-key') state = { ...state, step: 'looking' };
  });
  const { brandId, name, actor, oldKeyId, token, bounds } = input;
  const { keyId } = await makeSigningKey({
    brandId,
    name,
    actor,
    hsmKeyId: uuid4().replaceAll('-', ''),
    ...(token !== undefined && { token }),
    ...(bounds !== undefined && { bounds }),
  });
  let registration: 'own' | 'joined' | 'none' = 'none';
  let isWanted = true;
  for (let look = 0; look < LOOKS; look += 1) {
    again = false;
    ended = false;
    if (state.step === 'awaiting-account-key') state = { ...state, step: 'looking' };
    const models = await moveKeyPolicies({ brandId, oldKeyId, keyId, acceptsWider, actor });
    if (models !== null) return { name, step: 'rotated', keyId, models };
    if (registration === 'none' && isWanted) {
      const begun = await register({ ...input, keyId, deliver });
      const end = () => void (ended = true);
      begun?.result.then(end, end);
      registration = begun === undefined ? 'joined' : 'own';
    }
    state = { name, step: 'awaiting-account-key', keyId };
    const isNews = () => again || ended;
    if (registration === 'own') await condition(isNews);
    else await condition(isNews, PAUSE);
    // What the store refused is asked of it again when somebody asks for the rotation again; whose key was deleted, the next look tells.
    if (ended || (again && registration === 'joined')) registration = 'none';
    isWanted = again;
  }
  return continueAsNew<typeof rotateSigningKey>({ ...input, acceptsWider, deliver });
}

/** Begins the registration of the new key; undefined where somebody else began it, who is then asked to hand it over if need be. */
async function register(
  of: RotateSigningKeyInput & { readonly keyId: string },
): Promise<{ readonly result: Promise<unknown> } | undefined> {
  const { keyId, actor, deliver, lookEverySeconds } = of;
  try {
    const child = await startChild(registerSigningKey, {
      workflowId: registerKeyId(keyId),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ keyId, actor, deliver, lookEverySeconds }],
    });
    return { result: child.result() };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  if (deliver === 'upstream')
    await getExternalWorkflowHandle(registerKeyId(keyId))
      .signal(handOver)
      .catch(() => undefined);
  return undefined;
}
