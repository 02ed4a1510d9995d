import { Hono } from 'hono';
import type { Processes } from './processes.ts';

/** Longest wait of one request, in seconds; under the patience of proxies. */
const WAIT_MAX = 25;

/** Long operations: how they go, how they ended, and a way to stop them. Ids hold slashes, so they come percent-encoded. */
export function operationRoutes(processes: Processes): Hono {
  const app = new Hono();
  app.get('/operations/:id{.+}', async (context) => {
    const wait = Number(context.req.query('wait') ?? '0');
    const seconds = Number.isFinite(wait) ? Math.min(Math.max(wait, 0), WAIT_MAX) : 0;
    return context.json(await processes.look(context.req.param('id'), seconds * 1000));
  });
  app.delete('/operations/:id{.+}', async (context) => {
    await processes.cancel(context.req.param('id'));
    return context.body(null, 204);
  });
  return app;
}
