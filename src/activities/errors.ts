import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { WorkflowUpdateRPCTimeoutOrCancelledError, isGrpcServiceError } from '@temporalio/client';
import { z } from 'zod';
import { AirlockError, ERROR_KINDS, sentenceOf, type ErrorKind } from '../errors.ts';
import { systemFailure } from '../system-failures.ts';

/** Kinds that another try may mend. All others end a step, and its workflow, at once. */
const RETRYABLE: ReadonlySet<ErrorKind> = new Set(['unavailable', 'internal']);

/** Of those kinds, what the next try would meet as well: somebody has to do something, and is told at once. */
const NOT_RETRYABLE: ReadonlySet<string> = new Set(['disk-full', 'disk-read-only', 'database-damaged']);

/** Whether another try may mend it, with nobody doing anything. */
export function isRetryable({ kind, code }: AirlockError): boolean {
  return RETRYABLE.has(kind) && !NOT_RETRYABLE.has(code);
}

/** What a failure carries besides its code: enough to make the error again on the other side. */
const failureDetails = z.tuple([z.object({ kind: z.enum(ERROR_KINDS) })]).rest(z.unknown());

type Activity = (...args: never[]) => Promise<unknown>;

/**
 * The activities with their errors in Temporal's form: the stable code as the failure's type, not retried when no retry
 * can mend it. The one place where the two meet on the way out.
 */
export function withFailures<Activities extends { readonly [name in keyof Activities]: Activity }>(
  activities: Activities,
): Activities {
  return new Proxy(activities, {
    get(target, name, receiver) {
      const activity: unknown = Reflect.get(target, name, receiver);
      return isActivity(activity) ? guarded(activity) : activity;
    },
  });
}

/** The attempts of a step of {@link endlessWhileAway} that fail by anything but a part that is away. */
const OTHER_FAILURES = 5;

/** Also final at once: no PIN is sent until somebody sets another, and whoever waits is to be told. */
const PIN_REFUSED = 'hsm-pin-refused';

/**
 * For steps that are repeated without end while a part is away: a refused PIN is final at once, whatever else fails at the fifth
 * attempt.
 */
export async function endlessWhileAway<Result>(
  attempt: number,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isOurs(error) && error.code === PIN_REFUSED) throw finalFailureOf(error);
    const away = oursOf(error)?.kind === 'unavailable';
    if (away || attempt < OTHER_FAILURES) throw error;
    throw finalFailureOf(error);
  }
}

/** The failure for a value that no further attempt is to follow, whatever it is. */
export function finalFailureOf(error: unknown): Error {
  const failure = failureOf(error);
  if (failure instanceof CancelledFailure) return failure;
  const known = failure instanceof ApplicationFailure ? failure : undefined;
  return ApplicationFailure.create({
    message: failure.message,
    nonRetryable: true,
    ...(known?.type && { type: known.type }),
    ...(known?.details && { details: known.details }),
    cause: failure,
  });
}

/** The failure for any thrown value; Temporal's own failures (cancellation among them) stay as they are. */
export function failureOf(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  const ours = oursOf(error);
  if (ours !== undefined) return failureOfOurs(ours);
  return error instanceof Error ? error : new Error(sentenceOf(error));
}

function failureOfOurs(error: AirlockError): ApplicationFailure {
  const failure = ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: !isRetryable(error),
    details: [{ kind: error.kind }],
    ...(error.cause instanceof Error && { cause: error.cause }),
  });
  if (error.stack !== undefined) failure.stack = error.stack;
  return failure;
}

/**
 * The error behind a failed workflow, update or step: the AirlockError that was thrown, with its kind, code and sentence.
 * Anything that did not begin as one becomes `unavailable` (cancelled, timed out) or `internal`; neither tells more than
 * that to whoever asked.
 */
export function errorOfFailure(error: unknown): AirlockError {
  if (isOurs(error)) return error;
  for (const failure of causesOf(error)) {
    if (isOurs(failure)) return failure;
    if (failure instanceof ApplicationFailure) {
      const details = failureDetails.safeParse(failure.details);
      if (details.success && failure.type !== null && failure.type !== undefined)
        return new AirlockError(details.data[0].kind, failure.type, failure.message, { cause: error });
    }
    if (failure instanceof CancelledFailure)
      return new AirlockError('unavailable', 'process-cancelled', 'cannot finish: it was cancelled', {
        cause: error,
      });
    if (failure instanceof TerminatedFailure)
      return new AirlockError(
        'unavailable',
        'process-terminated',
        'cannot finish: it was ended by an operator',
        {
          cause: error,
        },
      );
    if (isGrpcServiceError(failure))
      return new AirlockError(
        'unavailable',
        'temporal-unreachable',
        'cannot reach the Temporal server: ask again later',
        {
          cause: error,
        },
      );
    if (failure instanceof TimeoutFailure || failure instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
      return new AirlockError('unavailable', 'process-timed-out', 'cannot finish in time: ask again later', {
        cause: error,
      });
  }
  return new AirlockError(
    'internal',
    'process-failed',
    'cannot finish because of a mistake of ours: see the log',
    {
      cause: error,
    },
  );
}

/** Wrappers of Temporal's around what really happened are passed over; the first that says something wins. */
function* causesOf(error: unknown): Generator<Error> {
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < 16; depth++) {
    if (!(current instanceof ActivityFailure) && !(current instanceof ChildWorkflowFailure)) yield current;
    current = current.cause;
  }
}

/** The error of ours for any thrown value: a disk or a database that fails is put into words here. */
function oursOf(error: unknown): AirlockError | undefined {
  return isOurs(error) ? error : systemFailure(error);
}

function isOurs(error: unknown): error is AirlockError {
  return error instanceof AirlockError;
}

function isActivity(value: unknown): value is (...args: unknown[]) => Promise<unknown> {
  return typeof value === 'function';
}

function guarded(activity: (...args: unknown[]) => Promise<unknown>) {
  return async (...args: unknown[]): Promise<unknown> => {
    try {
      return await activity(...args);
    } catch (error) {
      throw failureOf(error);
    }
  };
}
