import { Hono } from 'hono';
import type { Processes } from './processes.ts';

/** POST /blobs/move: every blob goes to where new ones go. Answer: started; result: MovedBlobs. */
export function blobRoutes(processes: Processes): Hono {
  const app = new Hono();
  app.post('/blobs/move', async (context) =>
    context.json(await processes.start('moveBlobs', 'move-blobs', []), 202),
  );
  return app;
}
