import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { createDeviceApi, type DeviceEnv } from '../api/device/index.ts';
import { openModelServiceSecrets } from '../api/device/model-service-secrets.ts';
import { Provisioner } from '../api/device/provisioning/provisioner.ts';
import { temporalBatches } from '../api/device/provisioning/serial-batches.ts';
import { SerialService } from '../api/device/serial-service.ts';
import { createSerialRoutes } from '../api/device/serials.ts';
import { signedSerials } from '../storage/model-service/index.ts';
import { deviceSecrets } from './device-secrets.ts';
import type { Foundation } from './foundation.ts';
import type { Role } from './roles.ts';
import { siteOf } from './site.ts';
import type { Temporal } from './temporal.ts';

/** What answers HTTP, and what has to be told and closed with it. */
export interface HttpApps {
  readonly app: Hono<DeviceEnv>;
  /** Hands fresh serials of a worker in this process to the requests that wait for them. */
  readonly provisioner: Provisioner;
}

/** What the apps are made from, besides what is persistent. */
export interface HttpOptions {
  readonly role: Role;
  /** Whether a worker of the `hsm` queue runs in this process. */
  readonly worksHere: boolean;
}

/** Puts the apps of a role together under their paths. */
export async function createHttpApps(
  foundation: Foundation,
  temporal: Temporal,
  options: HttpOptions,
): Promise<HttpApps> {
  const { database, blobs, settings, clock, log } = foundation;
  const report = (error: unknown) => log.child({ part: 'api' }).error({ error }, 'a request failed');
  const provisioner = new Provisioner({
    runBatch: temporalBatches({
      client: temporal.connection.client,
      taskQueue: temporal.config.taskQueues.hsm.name,
      eager: options.worksHere,
    }),
    lookUp: (intents) => signedSerials(database.queries, intents),
    report,
  });
  const secrets = await openModelServiceSecrets(settings, clock());
  const app = new Hono<DeviceEnv>();
  if (options.role === 'airgap') {
    const service = new SerialService({
      database,
      secrets,
      provisioner,
      clock,
      random: (size) => randomBytes(size),
    });
    app.route('/', createSerialRoutes({ service, report }));
  }
  app.route(
    '/',
    createDeviceApi({
      database,
      blobs,
      deviceSecrets: () => deviceSecrets(settings),
      site: () => siteOf(settings),
      clock,
      random: (size) => randomBytes(size),
      report,
    }),
  );
  return { app, provisioner };
}
