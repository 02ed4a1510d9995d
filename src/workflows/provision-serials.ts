import { ApplicationFailure, log, proxyLocalActivities, sleep } from '@temporalio/workflow';

import type { SerialActivities } from '../activities/serials.ts';
import type { ProvisionInput, ProvisionOutcome } from './serials-contract.ts';

/** How often a batch is tried while HSM or database are away: with pauses of two seconds, some ten minutes. */
const ROUNDS = 300;
const PAUSE = '2s';

const { signSerials, sweepSerials: sweep } = proxyLocalActivities<SerialActivities>({
  startToCloseTimeout: '2m',
  // Longer waiting is the workflow's own, so that it does not hold a workflow task.
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumAttempts: 3 },
});

/**
 * Makes the serials of a batch, on the worker that has the HSM: one local activity that signs what is not signed and stores it
 * with its log in one transaction. Repeating any part of it makes the same bytes, and stores them once.
 */
export async function provisionSerials(input: ProvisionInput): Promise<ProvisionOutcome> {
  for (let round = 1; ; round += 1) {
    try {
      return await signSerials(input);
    } catch (error) {
      if (round >= ROUNDS) {
        throw ApplicationFailure.nonRetryable(
          'cannot finish the batch: HSM or database were away for too long; the sweep hands its intents on',
          'batch-unfinished',
        );
      }
      log.warn('a batch of serials waits for HSM or database', {
        batch: input.batch,
        round,
        error: String(error),
      });
      await sleep(PAUSE);
    }
  }
}

/** Finds promises that no batch kept, keeps them, and forgets used request-ids whose time is over. Runs by a schedule. */
export async function sweepSerials(): Promise<ProvisionOutcome> {
  return sweep();
}
