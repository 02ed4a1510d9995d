import { z } from 'zod';

/** What the process is told, as JSON in its first argument. */
export const orderSchema = z.object({
  database: z.string(),
  modulePath: z.string(),
  moduleEnv: z.record(z.string(), z.string()),
  tokenLabel: z.string(),
  pin: z.string(),
  temporal: z.string(),
  namespace: z.string(),
  payloadKey: z.string(),
  secretRoot: z.string(),
  port: z.number(),
  parts: z.enum(['all', 'api', 'worker']),
  /** How far its clock is ahead, in milliseconds: promises are left to the sweep for a minute. */
  ahead: z.number(),
  /** How long the API keeps a device waiting, in milliseconds. */
  patience: z.number(),
  /** How many calls of database, HSM and Temporal fail, of one. */
  faultRate: z.number(),
  seed: z.number(),
  /** The file in which it writes down what it signs and starts: see witness.ts. */
  witness: z.string(),
});
