import { Hono, type MiddlewareHandler } from 'hono';
import { isUnforeseen } from '../errors.ts';
import { actRoutes } from './acts.ts';
import { backupRoutes } from './backups.ts';
import { blobRoutes } from './blobs.ts';
import { freeBytes } from '../../bundles/index.ts';
import { codecRoutes } from './codec.ts';
import type { OpsDeps } from './deps.ts';
import { deviceRoutes } from './devices.ts';
import { errorAnswer } from './http.ts';
import { namingFullDisk } from './full-disk.ts';
import { importRoutes } from './imports.ts';
import { inventoryRoutes } from './inventory.ts';
import { operationRoutes } from './operations.ts';
import { overrideRoutes } from './overrides.ts';
import { distinctSeconds } from './moments.ts';
import { Processes } from './processes.ts';
import { pushedSnapRoutes } from './pushed-snaps.ts';
import { rotationRoutes } from './rotation.ts';
import { settingRoutes } from './settings.ts';
import { statusRoutes } from './status.ts';
import { exportRoutes, fetchRoutes } from './transfers.ts';
import { tlsRoutes } from './tls.ts';
import { trustRoutes } from './trust.ts';

export type { OpsDeps } from './deps.ts';

/**
 * The operator's interface of one host, under `/ops/v1`: trust, pushes, exports, what is here, settings, and how all of it is.
 *
 * @param requireOperator refuses whoever does not hold the operator's token
 */
export function createOpsApi(deps: OpsDeps, requireOperator: MiddlewareHandler): Hono {
  const app = new Hono();
  const processes = new Processes(deps);
  const moment = distinctSeconds(deps.clock);
  app.onError(async (error) => {
    if (isUnforeseen(error)) deps.report(error);
    return errorAnswer(await namingFullDisk(error, () => freeBytes(deps.blobs.stagingFolder)));
  });
  app.use('/ops/v1/*', requireOperator);
  for (const routes of [
    trustRoutes(deps),
    tlsRoutes(deps),
    importRoutes(deps, processes),
    exportRoutes(deps, processes, moment),
    fetchRoutes(deps, processes, moment),
    backupRoutes(deps, processes),
    operationRoutes(processes),
    pushedSnapRoutes(deps, processes),
    blobRoutes(processes),
    inventoryRoutes(deps),
    overrideRoutes(deps),
    deviceRoutes(deps),
    actRoutes(deps),
    settingRoutes(deps),
    rotationRoutes(deps),
    statusRoutes(deps),
    codecRoutes(deps),
  ])
    app.route('/ops/v1', routes);
  return app;
}
