import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

import { errorOfFailure } from '../../activities/errors.ts';
import type { createSigningKey } from '../../workflows/create-signing-key.ts';
import type { deleteSigningKey } from '../../workflows/delete-signing-key.ts';
import { QUEUES } from '../../workflows/options.ts';
import { about } from '../../workflows/search-attributes.ts';
import type { registerSigningKey } from '../../workflows/register-signing-key.ts';
import type { rotateSigningKey } from '../../workflows/rotate-signing-key.ts';
import {
  ACCOUNT_KEY_PUSHED,
  HAND_OVER,
  HANDED_OVER,
  createKeyId,
  deleteKeyId,
  registerKeyId,
  ROTATE_AGAIN,
  rotateKeyId,
  ROTATION_STATE,
  type CreateSigningKeyInput,
  type DeleteSigningKeyInput,
  type RegisterSigningKeyInput,
  type RotateAgain,
  type RotateSigningKeyInput,
  type RotationState,
} from '../../workflows/serials-contract.ts';

/** What the admin API asks of durable processes. Each joins one that runs already. */
export interface ModelServiceProcesses {
  /** Makes a signing key; resolves to false when it is still being made after so many milliseconds, and goes on. */
  createSigningKey(input: CreateSigningKeyInput, waitMs: number): Promise<boolean>;
  /** Starts a registration; it lasts until the account-key is pushed. */
  registerSigningKey(input: RegisterSigningKeyInput): Promise<void>;
  /**
   * Has a registration hand its request to the store that vouches for the brand's keys; resolves to false when that store has not
   * taken it after so many milliseconds, and goes on. Throws what the store refused.
   */
  handOverKeyRequest(input: RegisterSigningKeyInput, waitMs: number): Promise<boolean>;
  /**
   * Begins a rotation, or asks the one of this key that runs to look again; resolves to how far it is once the new key is made, or after so
   * many milliseconds, and goes on. What runs may be a rotation to another name: then nothing changed.
   */
  rotateSigningKey(input: RotateSigningKeyInput, waitMs: number): Promise<RotationState>;
  /**
   * Deletes a signing key that no policy uses; resolves to false when the HSM has not removed it after so many milliseconds, and
   * goes on.
   */
  deleteSigningKey(input: DeleteSigningKeyInput, waitMs: number): Promise<boolean>;
  /** Tells a registration, if one runs, that account-keys came. */
  accountKeyPushed(keyId: string): Promise<void>;
}

/** How often it is looked whether a request was handed over. */
const LOOK_MS = 100;
const JOIN = { workflowIdConflictPolicy: 'USE_EXISTING', workflowIdReusePolicy: 'ALLOW_DUPLICATE' } as const;

/** The processes on Temporal. Failures come back as the error that was thrown in the step. */
export function modelServiceProcesses(client: Client): ModelServiceProcesses {
  const { workflow } = client;
  return {
    async createSigningKey(input, waitMs) {
      const handle = await answer(
        workflow.start<typeof createSigningKey>('createSigningKey', {
          workflowId: createKeyId(input.brandId, input.name),
          taskQueue: QUEUES.hsm,
          typedSearchAttributes: about({ brand: input.brandId }),
          args: [input],
          ...JOIN,
        }),
      );
      return answer(within(handle.result(), waitMs));
    },
    async registerSigningKey(input) {
      await answer(
        workflow.start<typeof registerSigningKey>('registerSigningKey', {
          workflowId: registerKeyId(input.keyId),
          taskQueue: QUEUES.hsm,
          args: [input],
          ...JOIN,
        }),
      );
    },
    async handOverKeyRequest(input, waitMs) {
      const handle = await answer(
        workflow.signalWithStart<typeof registerSigningKey>('registerSigningKey', {
          workflowId: registerKeyId(input.keyId),
          taskQueue: QUEUES.hsm,
          args: [input],
          signal: HAND_OVER,
          signalArgs: [],
          ...JOIN,
        }),
      );
      const over = handle.result().then(() => true);
      over.catch(() => undefined);
      for (const end = performance.now() + waitMs; ;) {
        if (await answer(Promise.race([over, handle.query<boolean>(HANDED_OVER)]))) return true;
        if (await answer(Promise.race([over, delay(LOOK_MS, false)]))) return true;
        if (performance.now() >= end) return false;
      }
    },
    async rotateSigningKey(input, waitMs) {
      const { name, deliver, acceptsWider } = input;
      const again: RotateAgain = { name, deliver, acceptsWider };
      const handle = await answer(
        workflow.signalWithStart<typeof rotateSigningKey, [RotateAgain]>('rotateSigningKey', {
          workflowId: rotateKeyId(input.oldKeyId),
          taskQueue: QUEUES.hsm,
          typedSearchAttributes: about({ brand: input.brandId }),
          args: [input],
          signal: ROTATE_AGAIN,
          signalArgs: [again],
          ...JOIN,
        }),
      );
      const over = handle.result();
      over.catch(() => undefined);
      for (const end = performance.now() + waitMs; ;) {
        const state = await answer(Promise.race([over, handle.query<RotationState>(ROTATION_STATE)]));
        const isUnderWay = state.step === 'making-key' || state.step === 'looking';
        if (state.name !== name || !isUnderWay || performance.now() >= end) return state;
        await answer(Promise.race([over, delay(LOOK_MS)]));
      }
    },
    async deleteSigningKey(input, waitMs) {
      const handle = await answer(
        workflow.start<typeof deleteSigningKey>('deleteSigningKey', {
          workflowId: deleteKeyId(input.keyId),
          taskQueue: QUEUES.hsm,
          args: [input],
          ...JOIN,
        }),
      );
      return answer(within(handle.result(), waitMs));
    },
    async accountKeyPushed(keyId) {
      // Nobody may be waiting for it: the signal is a courtesy, the registration looks by itself as well.
      await workflow
        .getHandle(registerKeyId(keyId))
        .signal(ACCOUNT_KEY_PUSHED)
        .catch(() => undefined);
    },
  };
}

/** Whether work ended within so many milliseconds; it goes on in any case. Throws what it throws by then. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function answer<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw errorOfFailure(error);
  }
}
