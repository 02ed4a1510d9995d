import { Hono } from 'hono';
import { storeErrorBody } from '../errors.ts';
import { assertionRoutes } from './assertions.ts';
import { cohortsRoute } from './cohorts.ts';
import type { DeviceApiDeps } from './deps.ts';
import { downloadRoutes } from './downloads.ts';
import { findRoute } from './find.ts';
import { Gate } from './gate.ts';
import { answer, type DeviceEnv, errorAnswer, nothingHere } from './http.ts';
import { infoRoute } from './info.ts';
import { listRoutes } from './lists.ts';
import { openApiRoute } from './openapi.ts';
import { refreshRoute } from './refresh.ts';
import { Renderings } from './renderings.ts';
import { sessionRoutes } from './sessions.ts';
import { setupRoutes } from './setup.ts';

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
  app.notFound((c) => nothingHere(app, c, storeErrorBody));
  app.onError((error) => errorAnswer(error, deps.report));
  return app;
}
