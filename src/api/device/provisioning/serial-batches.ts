import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  isGrpcServiceError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  type Client,
} from '@temporalio/client';

import type { SearchAttributePair } from '@temporalio/common';

import { crashPoint } from '../../../activities/crash-point.ts';
import type { provisionSerials } from '../../../workflows/provision-serials.ts';
import { about } from '../../../workflows/search-attributes.ts';
import { provisionId, type ProvisionInput } from '../../../workflows/serials-contract.ts';
import type { IntentSubject } from './provisioner.ts';

/** How batches are started. */
export interface SerialBatchOptions {
  readonly client: Pick<Client, 'workflow'>;
  /** The queue of the workers that have the HSM. */
  readonly taskQueue: string;
  /** Whether a worker of that queue runs in this process on the same connection, and may be given the first task at once. */
  readonly eager?: boolean;
}

/** A worker that dies in mid-batch is replaced after this long. */
const TASK_TIMEOUT = '2s';
/** gRPC's status when a request is wrong in itself. */
const INVALID_ARGUMENT = 3;
const NO_ATTRIBUTES_MS = 60_000;
/** A batch that is stored within this time is never asked for its own result, which spares Temporal a long poll. */
const QUIET_MS = 3000;

/**
 * Runs batches as workflows. A start that seems to fail is tried again under the same id, so that it happens once; what is in
 * doubt after that is sorted out by the unique rows and the sweep.
 */
export function temporalBatches(options: SerialBatchOptions) {
  const attributes = new BatchAttributes();
  return async (
    intents: readonly string[],
    stored: Promise<void>,
    subjects: readonly IntentSubject[] = [],
  ): Promise<void> => {
    const input: ProvisionInput = { batch: randomUUID(), intents };
    crashPoint('batch-before-start');
    await start(options, input, {
      current: () => attributes.of(subjects),
      onFailure: (failure) => attributes.noteFailure(failure),
    });
    crashPoint('batch-after-start');
    const quiet = new AbortController();
    const isStored = stored.then(() => true);
    const soon = await Promise.race([isStored, delay(QUIET_MS, false, { signal: quiet.signal })]);
    quiet.abort();
    if (soon) return;
    const handle = options.client.workflow.getHandle(provisionId(input.batch));
    await Promise.race([isStored, handle.result()]);
  };
}

/** What a batch is found by in Temporal UI. A namespace that does not know the names refuses the whole start: then none are given for a while. */
class BatchAttributes {
  #noneUntil = -Infinity;

  of(subjects: readonly IntentSubject[]): SearchAttributePair[] {
    if (performance.now() < this.#noneUntil) return [];
    const brands = new Set(subjects.map(({ brandId }) => brandId));
    return about({
      brand: brands.size === 1 ? subjects[0]?.brandId : undefined,
      models: subjects.map(({ brandId, modelName }) => `${brandId}/${modelName}`),
      serials: subjects.map(({ serial }) => serial),
    });
  }

  noteFailure(error: unknown): void {
    const { cause } = error instanceof ServiceError ? error : {};
    if (isGrpcServiceError(cause) && cause.code === INVALID_ARGUMENT)
      this.#noneUntil = performance.now() + NO_ATTRIBUTES_MS;
  }
}

async function start(
  options: SerialBatchOptions,
  input: ProvisionInput,
  attributes: {
    readonly current: () => SearchAttributePair[];
    readonly onFailure: (failure: unknown) => void;
  },
): Promise<void> {
  const begin = () =>
    options.client.workflow.start<typeof provisionSerials>('provisionSerials', {
      workflowId: provisionId(input.batch),
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      taskQueue: options.taskQueue,
      workflowTaskTimeout: TASK_TIMEOUT,
      requestEagerStart: options.eager ?? false,
      typedSearchAttributes: attributes.current(),
      args: [input],
    });
  try {
    await begin();
  } catch (failure) {
    attributes.onFailure(failure);
    await begin().catch((error: unknown) => {
      // The first start happened after all, and the batch is over already.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    });
  }
}
