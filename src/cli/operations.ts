import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { ERROR_KINDS } from '../errors.ts';
import type { CliContext } from './context.ts';
import { CliError } from './errors.ts';
import type { HttpClient, ServerRequest } from './http-client.ts';
import { note, type Terminal } from './terminal.ts';

const startedSchema = z.looseObject({ workflowId: z.string(), ui: z.string().nullable() });
const progressSchema = z.looseObject({
  step: z.string(),
  done: z.number(),
  total: z.number(),
  unit: z.string(),
});
const operationSchema = z.looseObject({
  workflowId: z.string(),
  status: z.enum(['running', 'completed', 'failed', 'cancelled']),
  progress: progressSchema.nullish(),
  waiting: z.looseObject({ message: z.string() }).nullish(),
  result: z.unknown().optional(),
  error: z.looseObject({ kind: z.enum(ERROR_KINDS), code: z.string(), message: z.string() }).nullish(),
});

type Operation = z.infer<typeof operationSchema>;

/** How far a process is. */
export type OperationProgress = z.infer<typeof progressSchema>;

/** How to follow a process. */
export interface FollowOptions {
  /** Tell where Temporal UI shows it. */
  readonly watch?: boolean | undefined;
  readonly onProgress?: (progress: OperationProgress) => void;
  /** How one gets to see its end after an interrupt; unless told, by the same command. */
  readonly afterwards?: string;
}

const WAIT_SECONDS = 2;
/** A host that is silent so long is given up: a command in a script must end some time. */
const HOST_PATIENCE_MS = 10 * 60_000;
/** Between two questions to a host that does not answer. */
const PAUSE_MS = 1_000;

/**
 * Starts a durable process and waits for its result. An interrupt stops the waiting only: the process goes on, and the
 * same command joins it again.
 *
 * @throws CliError `workflow-failed` with the kind and the sentence of what went wrong; `interrupted`
 */
export async function runOperation<T>(
  context: CliContext,
  client: HttpClient,
  path: string,
  request: ServerRequest,
  result: z.ZodType<T>,
  options: FollowOptions = {},
): Promise<T> {
  const start = { method: 'POST', untilAnswered: true, ...request } as const;
  const started = await client.request(path, startedSchema, start);
  if (options.watch && started.ui !== null) note(context.terminal, `Follow it at ${started.ui}`);
  const { workflowId } = started;
  const running = { workflowId, path: `/ops/v1/operations/${encodeURIComponent(workflowId)}` };
  return followOperation(context, client, running, result, options);
}

/** A process that runs, and the path that tells how it is. */
export interface RunningOperation {
  readonly workflowId: string;
  readonly path: string;
}

/**
 * Waits for the result of a process.
 *
 * @throws CliError `workflow-failed` with the kind and the sentence of what went wrong; `interrupted`
 */
export async function followOperation<T>(
  context: CliContext,
  client: HttpClient,
  running: RunningOperation,
  result: z.ZodType<T>,
  { onProgress, afterwards = 'the same command joins it' }: FollowOptions,
): Promise<T> {
  const { workflowId } = running;
  const wait = new Waiting(context);
  for (;;) {
    const operation = await look(context, client, { ...running, afterwards }, wait);
    wait.saw(operation);
    if (operation.progress) onProgress?.(operation.progress);
    switch (operation.status) {
      case 'running':
        continue;
      case 'completed':
        return parsed(result, operation.result, workflowId);
      case 'failed':
      case 'cancelled':
        throw new CliError(
          operation.error?.kind ?? 'unavailable',
          'workflow-failed',
          operation.error?.message ?? `cannot finish ${workflowId}: it was cancelled`,
          { told: operation.error?.code },
        );
      default:
        return operation.status satisfies never;
    }
  }
}

/** How the process is; a host that went away, for instance to start again, is waited for. */
async function look(
  context: CliContext,
  client: HttpClient,
  { workflowId, path, afterwards }: RunningOperation & { readonly afterwards: string },
  wait: Waiting,
): Promise<Operation> {
  const { signal, now } = context;
  const patience = now().getTime() + HOST_PATIENCE_MS;
  for (;;) {
    try {
      return await client.request(`${path}?wait=${WAIT_SECONDS}`, operationSchema);
    } catch (error) {
      if (signal.aborted) throw interrupted(workflowId, afterwards, error);
      if (!(error instanceof CliError) || error.kind !== 'unavailable' || now().getTime() > patience)
        throw error;
      wait.hostAway(error.message);
      await sleep(PAUSE_MS, undefined, { signal }).catch((cause: unknown) => {
        throw interrupted(workflowId, afterwards, cause);
      });
    }
  }
}

/** An interrupt ended the waiting, and nothing else. */
function interrupted(workflowId: string, afterwards: string, cause: unknown): CliError {
  const sentence = `cannot wait any longer: interrupted; ${workflowId} goes on, and ${afterwards}`;
  return new CliError('unavailable', 'interrupted', sentence, { cause });
}

/**
 * Says once why nothing moves, and once that it moves again. That a step is tried anew is no move: it may fail as before.
 */
class Waiting {
  readonly #terminal: Terminal;
  /** What was told to be away. */
  #away: 'host' | 'part' | undefined;
  /** How far the process was then, as far as it is known. */
  #mark: OperationProgress | undefined;

  constructor({ terminal }: CliContext) {
    this.#terminal = terminal;
  }

  /** The host did not answer. */
  hostAway(why: string): void {
    this.#tell(why, 'host');
  }

  /** The host answered, and this is how the process is. */
  saw({ status, waiting, progress }: Operation): void {
    if (waiting) {
      this.#tell(waiting.message, 'part');
      this.#mark = progress ?? undefined;
      return;
    }
    const moved = this.#away === 'host' || status === 'completed' || isBeyond(progress, this.#mark);
    this.#mark ??= progress ?? undefined;
    if (this.#away === undefined || !moved) return;
    note(this.#terminal, 'It goes on.');
    this.#away = undefined;
  }

  #tell(why: string, away: 'host' | 'part'): void {
    if (this.#away === undefined) note(this.#terminal, `${why}; trying again (Ctrl-C leaves it running)`);
    this.#away = away;
  }
}

function isBeyond(now: Operation['progress'], mark: OperationProgress | undefined): boolean {
  if (!now || mark === undefined) return false;
  return now.step !== mark.step || now.done > mark.done;
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, workflowId: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const sentence = `cannot read the result of ${workflowId}: it has another shape; is it an Airlock of this version?`;
  throw new CliError('internal', 'answer-malformed', sentence, { cause: result.error });
}
