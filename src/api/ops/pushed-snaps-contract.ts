import { z } from 'zod';

/** GET /pushed-snaps. */
export const pushedSnaps = z.object({
  snaps: z.array(
    z.object({
      name: z.string(),
      snapId: z.string(),
      /** The store that it is kept in, then those whose devices see it. */
      stores: z.array(z.string()),
      revisions: z.array(z.object({ revision: z.number(), version: z.string(), size: z.number() })),
      channels: z.array(
        z.object({ channel: z.string(), architecture: z.string(), revision: z.number().nullable() }),
      ),
    }),
  ),
});

/** DELETE /pushed-snaps/NAME?dryRun=true and POST /prune {dryRun}. */
export const removalPlan = z.object({
  applied: z.boolean(),
  items: z.array(z.object({ name: z.string(), revision: z.number(), bytes: z.number() })),
  freedBytes: z.number(),
  /** Bytes of files that stay, so that a roll-back can bring them back; a prune frees them. */
  keptBytes: z.number(),
  /** What a prune ends: imports and removals up to this one can no longer be rolled back. */
  past: z
    .object({
      upToId: z.number(),
      acts: z.number(),
      /** Files that were kept for them alone. */
      items: z.array(z.object({ subject: z.string(), bytes: z.number() })),
    })
    .nullable(),
});
