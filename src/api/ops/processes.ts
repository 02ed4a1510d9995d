import {
  WorkflowNotFoundError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';
import { z } from 'zod';
import { errorOfFailure } from '../../activities/errors.ts';
import { AirlockError } from '../../errors.ts';
import { PROGRESS } from '../../workflows/progress-contract.ts';
import { QUEUES } from '../../workflows/options.ts';
import { about, type Subject } from '../../workflows/search-attributes.ts';
import type { OpsDeps } from './deps.ts';
import type { started } from './operation-contract.ts';
import { pendingSteps, type PendingSteps } from './pending-steps.ts';

/** A finished one may be asked for again; a running one is joined. */
const JOIN = { workflowIdConflictPolicy: 'USE_EXISTING', workflowIdReusePolicy: 'ALLOW_DUPLICATE' } as const;
const QUERY_MS = 1_000;
/** Where a process keeps how it was asked for, beside what its id tells. */
const WISH = 'wish';

const progressSchema = z.object({
  step: z.string(),
  done: z.number(),
  total: z.number(),
  unit: z.enum(['bytes', 'snaps', 'steps']),
});

/** What it takes to follow them. */
export type ProcessDeps = Pick<OpsDeps, 'client' | 'codecs' | 'temporalUi'>;

/** Long operations as Temporal runs them: start, look, wait. */
export class Processes {
  readonly #deps: ProcessDeps;

  constructor(deps: ProcessDeps) {
    this.#deps = deps;
  }

  /**
   * Starts a workflow by its name, or joins the one that runs under that id.
   * @param wish how it is asked for, in as far as the id does not tell: one that runs with another wish is not joined
   * @throws AirlockError `operation-differs`
   */
  async start(
    type: string,
    workflowId: string,
    args: unknown[],
    subject: Subject = {},
    wish?: string,
  ): Promise<z.output<typeof started>> {
    const typedSearchAttributes = about(subject);
    const memo = wish === undefined ? {} : { [WISH]: wish };
    const options = { workflowId, taskQueue: QUEUES.airlock, args, typedSearchAttributes, memo, ...JOIN };
    try {
      const handle = await this.#deps.client.workflow.start(type, options);
      const found = wish === undefined ? undefined : (await handle.describe()).memo?.[WISH];
      if (found !== undefined && found !== wish) throw otherWish(workflowId);
    } catch (error) {
      throw errorOfFailure(error);
    }
    return { workflowId, ui: this.#page(workflowId) };
  }

  /**
   * How an operation is, after waiting at most `waitMs` for its end.
   * @param runId which of those that had this id; the newest when absent
   * @throws AirlockError `operation-unknown`
   */
  async look(workflowId: string, waitMs: number, runId?: string) {
    const handle = this.#deps.client.workflow.getHandle(workflowId, runId);
    const end = waitMs > 0 ? await this.#settled(handle, waitMs) : undefined;
    const found = await handle.describe().catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) throw unknownOperation(workflowId);
      throw errorOfFailure(error);
    });
    const status = statusOf(found);
    const steps = status === 'running' ? await pendingSteps(found, this.#deps.codecs) : undefined;
    const over = status === 'running' ? undefined : (end ?? (await this.#settled(handle, 10_000)));
    return {
      workflowId,
      type: found.type,
      status,
      startedAt: found.startTime.toISOString(),
      ui: this.#page(workflowId),
      progress: steps === undefined ? null : await this.#progress(handle, steps),
      waiting: steps?.waiting ?? null,
      result: over !== undefined && 'result' in over ? over.result : null,
      error: over !== undefined && 'error' in over ? over.error : null,
    };
  }

  /** Asks a running operation to stop; what it did not make visible yet goes again. */
  async cancel(workflowId: string): Promise<void> {
    try {
      await this.#deps.client.workflow.getHandle(workflowId).cancel();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw unknownOperation(workflowId);
      throw errorOfFailure(error);
    }
  }

  async #settled(handle: WorkflowHandle, waitMs: number) {
    const waiting = Symbol('still running');
    const { promise: over, resolve } = Promise.withResolvers<typeof waiting>();
    const timer = setTimeout(() => resolve(waiting), waitMs);
    try {
      const outcome: unknown = await Promise.race([handle.result(), over]);
      return outcome === waiting ? undefined : { result: outcome };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw unknownOperation(handle.workflowId);
      const { kind, code, message } = errorOfFailure(error);
      return { error: { kind, code, message } };
    } finally {
      clearTimeout(timer);
    }
  }

  async #progress(handle: WorkflowHandle, steps: PendingSteps) {
    const { client } = this.#deps;
    const answer = await client.connection
      .withDeadline(Date.now() + QUERY_MS, () => handle.query(PROGRESS))
      .catch(() => undefined);
    const progress = progressSchema.safeParse(answer);
    if (!progress.success) return null;
    const total = steps.total ?? progress.data.total;
    return { ...progress.data, total, done: Math.min(progress.data.done + (steps.done ?? 0), total) };
  }

  #page(workflowId: string): string | null {
    const { temporalUi, client } = this.#deps;
    if (temporalUi === null) return null;
    return `${temporalUi}/namespaces/${encodeURIComponent(client.options.namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  }
}

function statusOf(found: WorkflowExecutionDescription): 'running' | 'completed' | 'failed' | 'cancelled' {
  switch (found.status.name) {
    case 'COMPLETED':
      return 'completed';
    case 'CANCELLED':
      return 'cancelled';
    case 'FAILED':
    case 'TERMINATED':
    case 'TIMED_OUT':
      return 'failed';
    default:
      return 'running';
  }
}

function otherWish(workflowId: string): AirlockError {
  return new AirlockError(
    'conflict',
    'operation-differs',
    `cannot join ${workflowId.slice(0, 200)}: it runs with other options; repeat this once it is over`,
  );
}

function unknownOperation(workflowId: string): AirlockError {
  return new AirlockError(
    'not-found',
    'operation-unknown',
    `cannot show the operation ${JSON.stringify(workflowId.slice(0, 200))}: there is none of that id, or it ended long ago`,
  );
}
