import { Hono } from 'hono';

import { isUnforeseen } from '../errors.ts';
import { accountKeyRoutes } from './account-keys.ts';
import { accountRoutes } from './account.ts';
import { buildRoutes } from './builds.ts';
import type { PublisherApiDeps } from './deps.ts';
import { errorAnswer } from './http.ts';
import { nameRoutes } from './names.ts';
import { onPremSnapRoutes } from './onprem-snaps.ts';
import { releaseRoutes } from './releases.ts';
import { tokenRoutes } from './tokens.ts';
import { uploadRoutes } from './uploads.ts';

export type { PublisherApiDeps } from './deps.ts';
export { createAuthorityOps } from './operator/index.ts';
export { authorityProcesses } from './processes.ts';

/**
 * What `snapcraft`, `snap` and store-admin ask of an authority: `/dev/api`, `/api/v2`, `/unscanned-upload/` and the
 * gateway's `/v1`; the same below `/publishergw`, where the on-prem client looks (protocol/publishers.md).
 */
export function createPublisherApi(deps: PublisherApiDeps): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    if (isUnforeseen(error)) deps.report(error);
    return errorAnswer(context, error);
  });
  for (const routes of [
    accountRoutes,
    accountKeyRoutes,
    nameRoutes,
    uploadRoutes,
    buildRoutes,
    releaseRoutes,
    tokenRoutes,
    onPremSnapRoutes,
  ]) {
    app.route('/', routes(deps));
    app.route('/publishergw', routes(deps));
  }
  return app;
}
