import { Hono } from 'hono';
import { z } from 'zod';

import { listSerialHistory } from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  cursorOf,
  pageSize,
  queryOf,
  readCursor,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminEnv,
} from './gateway.ts';
import { modelOfPath } from './model-lookup.ts';

const historyQuery = z.object({
  serial: z.string().max(128).optional(),
  'page-size': pageSize,
  cursor: z.string().max(128).optional(),
});

/**
 * `/v1/brand/{brand}/model/{model}/serial-history`: what the serial log no longer shows as present: serials of replaced boards,
 * signatures whose draft was given up, and what another service signed.
 */
export function serialHistoryRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  app.get('/serial-history', view('list_serial_history'), async (c) => {
    const model = await modelOfPath(deps, c);
    const query = queryOf(c, historyQuery);
    const limit = query['page-size'];
    const rows = await listSerialHistory(deps.database.queries, {
      brandId: model.brandId,
      modelName: model.name,
      ...(query.serial !== undefined && { serial: query.serial }),
      after: query.cursor === undefined ? 0 : readCursor(query.cursor, z.int()),
      limit: limit + 1,
    });
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return c.json({
      items: page.map((row) => ({
        serial: row.serial,
        'device-key-sha3-384': row.deviceKeyId,
        'serial-sign-key-sha3-384': row.signKeyId,
        reason: row.reason,
        'created-at': naive(row.createdAt),
        'ended-at': naive(row.endedAt),
        'ended-by': row.endedBy,
        'serial-assertion':
          row.serialAssertion === null ? null : Buffer.from(row.serialAssertion).toString('utf8'),
      })),
      'next-cursor': last === undefined ? null : cursorOf(last.id),
    });
  });
  return app;
}
