import { z } from 'zod';

/** What the process of sqlite-child.ts can be asked for. */
export const sqliteRequest = z.discriminatedUnion('act', [
  z.strictObject({
    act: z.literal('copy'),
    from: z.string(),
    to: z.string(),
    /** Settings whose keys begin with this are not in the copy. */
    forget: z.string().optional(),
  }),
  z.strictObject({
    act: z.literal('check'),
    file: z.string(),
    /** Our own database, not Temporal's. */
    airlock: z.boolean(),
  }),
]);
export type SqliteRequest = z.infer<typeof sqliteRequest>;

const findings = z.strictObject({
  /** What SQLite's integrity check complains about; empty when all is well. */
  problems: z.array(z.string()),
  /** Settings that are sealed, as they are. */
  secrets: z.array(z.strictObject({ key: z.string(), value: z.string() })),
  /** SHA3-384 of every blob that the database speaks of. */
  blobs: z.array(z.string()),
});
/** What was found in a copy. */
export type SqliteFindings = z.infer<typeof findings>;

/** What it answers. */
export const sqliteReply = z.strictObject({ problem: z.string().optional(), findings: findings.optional() });
