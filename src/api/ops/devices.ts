import { Hono } from 'hono';
import type { OpsDeps } from './deps.ts';

const LIMIT_MAX = 10_000;

/** Devices that opened a session here, the latest first. */
export function deviceRoutes(deps: OpsDeps): Hono {
  const app = new Hono();
  app.get('/devices', async (context) => {
    const asked = Number(context.req.query('limit') ?? '1000');
    const limit = Number.isInteger(asked) ? Math.min(Math.max(asked, 1), LIMIT_MAX) : 1000;
    const rows = await deps.database.queries
      .selectFrom('Device')
      .select(['brandId', 'modelName', 'serial', 'storeId', 'userAgent', 'firstSeenAt', 'lastSeenAt'])
      .orderBy('lastSeenAt', 'desc')
      .limit(limit)
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
