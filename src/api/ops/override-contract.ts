import { z } from 'zod';
import { name } from './contract-fields.ts';

/** POST /overrides; null takes the override away. GET /overrides?snap=NAME lists them. */
export const overrideChange = z
  .object({
    snap: name,
    channel: name,
    revision: z.number().int().min(1).nullable(),
    /** Of an online host, for a snap that the upstream does not show to everybody: a login file's content, and the snap's store. */
    credentials: z.string().max(65_536).optional(),
    store: name.optional(),
  })
  .refine(({ credentials, store }) => (credentials === undefined) === (store === undefined), {
    message: 'credentials and store go together',
  });

/** Answer of POST /overrides: one place for each architecture. */
export const overrideAnswer = z.object({
  snapName: z.string(),
  channel: z.string(),
  places: z.array(
    z.object({
      architecture: z.string(),
      revision: z.number().nullable(),
      upstreamRevision: z.number().nullable(),
    }),
  ),
});

/** GET /overrides. */
export const overrideList = z.object({
  overrides: z.array(
    z.object({
      snapId: z.string().nullable(),
      snapName: z.string(),
      channel: z.string(),
      architecture: z.string(),
      revision: z.number(),
      upstreamRevision: z.number().nullable(),
    }),
  ),
});
