import { Hono } from 'hono';
import { z } from 'zod';
import type { OpsDeps } from './deps.ts';
import { queryOf } from './http.ts';

const LIMIT_MAX = 10_000;
const deviceQuery = z.object({ limit: z.coerce.number('must be a number').int().min(1).default(1000) });

/** Devices that opened a session here, the latest first. */
export function deviceRoutes(deps: OpsDeps): Hono {
  const app = new Hono();
  app.get('/devices', async (context) => {
    const { limit } = queryOf(context, deviceQuery);
    const rows = await deps.database.queries
      .selectFrom('Device')
      .select(['brandId', 'modelName', 'serial', 'storeId', 'userAgent', 'firstSeenAt', 'lastSeenAt'])
      .orderBy('lastSeenAt', 'desc')
      .limit(Math.min(limit, LIMIT_MAX))
      .execute();
    const devices = rows.map(({ modelName, storeId, ...row }) => ({
      ...row,
      model: modelName,
      store: storeId,
    }));
    return context.json({ devices });
  });
  return app;
}
