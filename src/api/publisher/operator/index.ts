import { Hono, type MiddlewareHandler } from 'hono';

import { isUnforeseen } from '../../errors.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { errorAnswer } from '../http.ts';
import { accountRoutes } from './accounts.ts';
import { authorityRoutes } from './authority.ts';
import { keyRoutes } from './keys.ts';
import { scopeRoutes } from './scoping.ts';
import { snapRoutes } from './snaps.ts';
import { storeRoutes } from './stores.ts';
import { tokenRoutes } from './tokens.ts';
import { uploadRoutes } from './uploads.ts';

/**
 * What the operator of an authority can ask, under `/ops/v1/authority`.
 *
 * @param requireOperator refuses whoever does not hold the operator's token
 */
export function createAuthorityOps(deps: PublisherApiDeps, requireOperator: MiddlewareHandler): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    if (isUnforeseen(error)) deps.report(error);
    return errorAnswer(context, error);
  });
  app.use('/ops/v1/authority/*', requireOperator);
  for (const routes of [
    authorityRoutes,
    accountRoutes,
    storeRoutes,
    snapRoutes,
    uploadRoutes,
    keyRoutes,
    tokenRoutes,
    scopeRoutes,
  ]) {
    app.route('/ops/v1/authority', routes(deps));
  }
  return app;
}
