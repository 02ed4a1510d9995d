import { Hono } from 'hono';

import { findAccount } from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import { notFound, view, type AdminApiDeps, type AdminApp, type AdminEnv } from './gateway.ts';

/** `/v1/brand/{brand}`: the brand itself. */
export function brandRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  app.get('/', view('get_brand'), async (c) => {
    const brandId = c.req.param('brand') ?? '';
    const account = await findAccount(deps.database.queries, brandId);
    if (account === undefined) throw notFound(`the brand ${JSON.stringify(brandId)}`);
    const { id, username, displayName, email, validation, createdAt } = account;
    return c.json({
      'account-id': id,
      'created-at': naive(createdAt),
      'created-by': { 'display-name': displayName, email, id, username, validation },
      'modified-at': null,
      'modified-by': null,
      name: displayName,
    });
  });
  return app;
}
