import { Hono } from 'hono';
import { ERROR_CONTENT_TYPE, storeErrorBody } from '../errors.ts';
import { assertionRoutes } from './assertions.ts';
import { cohortsRoute } from './cohorts.ts';
import type { DeviceApiDeps } from './deps.ts';
import { downloadRoutes } from './downloads.ts';
import { findRoute } from './find.ts';
import { Gate } from './gate.ts';
import { answer, type DeviceEnv, errorAnswer, notFound } from './http.ts';
import { infoRoute } from './info.ts';
import { listRoutes } from './lists.ts';
import { openApiRoute } from './openapi.ts';
import { refreshRoute } from './refresh.ts';
import { Renderings } from './renderings.ts';
import { sessionRoutes } from './sessions.ts';
import { setupRoutes } from './setup.ts';

function wrongMethod(allowed: readonly string[]): Response {
  const names = allowed.join(', ').replace('GET', 'GET, HEAD');
  const body = storeErrorBody({
    code: 'method-not-allowed',
    message: `cannot do that at this address: use ${names}`,
  });
  return answer(405, ERROR_CONTENT_TYPE, body, { allow: names });
}

/** The store as devices see it (protocol/devices.md, issue 4). Serial endpoints are an app of their own. */
export function createDeviceApi(deps: DeviceApiDeps): Hono<DeviceEnv> {
  const app = new Hono<DeviceEnv>({ strict: false });
  const gate = new Gate(deps);
  // HEAD comes here as GET does; snapd looks at the status and the version header, which every answer has.
  app.get('/', () => answer(200, 'text/plain', 'Airlock: a snap store.\n'));
  refreshRoute(app, deps, gate, new Renderings());
  sessionRoutes(app, deps, gate);
  infoRoute(app, gate);
  findRoute(app, gate);
  listRoutes(app, gate);
  cohortsRoute(app, deps, gate);
  assertionRoutes(app, deps, gate);
  downloadRoutes(app, deps, gate);
  setupRoutes(app, deps, gate);
  openApiRoute(app);
  app.notFound((c) => {
    const allowed = ['GET', 'POST'].filter((method) => app.router.match(method, c.req.path)[0].length > 0);
    if (allowed.length === 0) return errorAnswer(notFound('anything at this address'), deps.report);
    return wrongMethod(allowed);
  });
  app.onError((error) => errorAnswer(error, deps.report));
  return app;
}
