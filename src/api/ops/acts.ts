import { Hono } from 'hono';
import { z } from 'zod';
import { listActs } from '../../storage/index.ts';
import type { OpsDeps } from './deps.ts';
import { queryOf } from './http.ts';

const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const filter = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: z.coerce.number().int().min(1).optional(),
  act: z.string().max(64).optional(),
  actor: z.string().max(128).optional(),
  subject: z.string().max(255).optional(),
  since: moment.optional(),
  until: moment.optional(),
});

/** The log of who did what, the newest first; `next` is the `before` of the following page. */
export function actRoutes(deps: OpsDeps): Hono {
  const app = new Hono();
  app.get('/acts', async (context) => {
    const asked = queryOf(context, filter);
    const found = await listActs(deps.database.queries, { ...asked, limit: asked.limit + 1 });
    const acts = found.slice(0, asked.limit);
    return context.json({ acts, next: found.length > acts.length ? (acts.at(-1)?.id ?? null) : null });
  });
  return app;
}
