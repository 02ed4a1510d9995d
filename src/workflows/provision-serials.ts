import { ApplicationFailure, log, proxyLocalActivities, sleep } from '@temporalio/workflow';

import type { SerialActivities } from '../activities/serials.ts';
import { serialBatch } from './options.ts';
import type { ProvisionInput, ProvisionOutcome } from './serials-contract.ts';

const { signSerials, sweepSerials: sweep } = proxyLocalActivities<SerialActivities>({
  startToCloseTimeout: serialBatch.startToCloseTimeout,
  retry: serialBatch.retry,
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
      if (round >= serialBatch.rounds) {
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
      await sleep(serialBatch.pause);
    }
  }
}

/** Finds promises that no batch kept, keeps them, and forgets used request-ids whose time is over. Runs by a schedule. */
export async function sweepSerials(): Promise<ProvisionOutcome> {
  return sweep();
}
