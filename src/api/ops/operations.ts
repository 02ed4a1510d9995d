import { Hono } from 'hono';
import { waitAsked } from './http.ts';
import type { Processes } from './processes.ts';

/** Long operations: how they go, how they ended, and a way to stop them. Ids hold slashes, so they come percent-encoded. */
export function operationRoutes(processes: Processes): Hono {
  const app = new Hono();
  app.get('/operations/:id{.+}', async (context) => {
    return context.json(await processes.look(context.req.param('id'), waitAsked(context)));
  });
  app.delete('/operations/:id{.+}', async (context) => {
    await processes.cancel(context.req.param('id'));
    return context.body(null, 204);
  });
  return app;
}
