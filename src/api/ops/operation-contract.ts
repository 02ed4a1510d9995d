import { z } from 'zod';
import { ERROR_KINDS } from '../../errors.ts';

/** Answer of everything that starts a workflow. */
export const started = z.object({
  workflowId: z.string(),
  /** Page of the running workflow in Temporal UI; null when there is none. */
  ui: z.string().nullable(),
});

/** GET /operations/ID. */
export const operation = z.object({
  workflowId: z.string(),
  type: z.string(),
  status: z.enum(['running', 'completed', 'failed', 'cancelled']),
  startedAt: z.string(),
  ui: z.string().nullable(),
  progress: z
    .object({
      /** What is being done, in a few words. */
      step: z.string(),
      done: z.number(),
      total: z.number(),
      unit: z.enum(['bytes', 'snaps', 'steps']),
    })
    .nullable(),
  /** Why a running one does not get on: a part is away, and the step is tried again. */
  waiting: z.object({ code: z.string(), message: z.string(), attempt: z.number() }).nullable(),
  /** importResult, exportResult, … once completed. */
  result: z.unknown(),
  error: z.object({ kind: z.enum(ERROR_KINDS), code: z.string(), message: z.string() }).nullable(),
});
