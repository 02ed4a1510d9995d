/**
 * How long each kind of step may take, and how often it is tried again. A workflow names a preset, not numbers.
 * What no retry can mend is decided where it fails (src/activities/errors.ts), so no preset lists error types.
 */
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/** Task queues by what they do; the same names as in temporal.yaml. */
export const QUEUES = { airlock: 'airlock', transfer: 'transfer', hsm: 'hsm' } as const;

/**
 * A batch of serials while HSM or database are away: a few tries at once, then a pause that is the workflow's own, so that it does not hold
 * a workflow task; some ten minutes in all. Milliseconds.
 */
export const serialBatch = {
  startToCloseTimeout: '2m',
  retry: { initialInterval: 100, backoffCoefficient: 2, maximumAttempts: 3 },
  pause: 2000,
  rounds: 300,
} as const;

/** A signature or a batch of them, on the worker that has the HSM: short, and repeated at once. */
export const signing = {
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '90s',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '5s', maximumAttempts: 8 },
} as const satisfies LocalActivityOptions;

/**
 * Making a key, for as long as the HSM is away. Cards take minutes; the step looks its key up before it makes one, so it may
 * be repeated. What does not come of an HSM that is away ends in the step itself, after some attempts.
 */
export const keyGeneration = {
  taskQueue: QUEUES.hsm,
  startToCloseTimeout: '15m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '5s' },
} as const satisfies ActivityOptions;

/** What the HSM owes, a signature or the removal of a key: short, and repeated for as long as the HSM is away. */
export const owedByHsm = {
  taskQueue: QUEUES.hsm,
  startToCloseTimeout: '2m',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '5s' },
} as const satisfies ActivityOptions;

/** A call to another store or service. */
export const upstream = {
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 10 },
} as const satisfies ActivityOptions;

/** Handing something to another store, for as long as that is away; what it refuses is not repeated. */
export const handingOver = {
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
} as const satisfies ActivityOptions;

/** A long download; its heartbeats carry how far it came. Tried for a day. */
export const download = {
  taskQueue: QUEUES.transfer,
  startToCloseTimeout: '6h',
  scheduleToCloseTimeout: '24h',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
} as const satisfies ActivityOptions;

/** Reading, hashing, verifying or writing large files; needs heartbeats. */
export const largeFiles = {
  taskQueue: QUEUES.transfer,
  startToCloseTimeout: '30m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 5 },
} as const satisfies ActivityOptions;

/** One transaction of our database, safe to repeat. */
export const commit = {
  startToCloseTimeout: '1m',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s', maximumAttempts: 20 },
} as const satisfies ActivityOptions;
