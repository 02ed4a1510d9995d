import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { operatorGate } from '../api/operator-gate.ts';
import { createAuthorityOps } from '../api/publisher/operator/index.ts';
import { authorityProcesses } from '../api/publisher/processes.ts';
import { createDeviceApi, type DeviceEnv } from '../api/device/index.ts';
import { openModelServiceSecrets } from '../api/device/model-service-secrets.ts';
import { Provisioner } from '../api/device/provisioning/provisioner.ts';
import { temporalBatches } from '../api/device/provisioning/serial-batches.ts';
import { SerialService } from '../api/device/serial-service.ts';
import { createSerialRoutes } from '../api/device/serials.ts';
import { AirlockError } from '../errors.ts';
import type { Log } from '../telemetry/index.ts';
import { TokenOffice } from '../storage/authority/index.ts';
import { signedSerials } from '../storage/model-service/index.ts';
import { deviceSecrets } from './device-secrets.ts';
import type { Foundation } from './foundation.ts';
import type { Role } from './roles.ts';
import { operatorToken } from '../config/index.ts';
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
  const report = reporter(log.child({ part: 'api' }));
  const provisioner = new Provisioner({
    runBatch: temporalBatches({
      client: temporal.connection.client,
      taskQueue: temporal.config.taskQueues.hsm.name,
      eager: options.worksHere,
    }),
    lookUp: (intents) => signedSerials(database.queries, intents),
    report,
  });
  const random = (size: number) => new Uint8Array(randomBytes(size));
  const secrets = await openModelServiceSecrets(settings, clock());
  const app = new Hono<DeviceEnv>();
  if (options.role === 'airgap') {
    const service = new SerialService({
      database,
      secrets,
      provisioner,
      clock,
      random,
    });
    app.route('/', createSerialRoutes({ service, report }));
  }
  const operator = operatorGate(await operatorToken(foundation.dataFolder));
  if (options.role === 'authority') {
    const tokens = new TokenOffice({ database, settings, random });
    const processes = authorityProcesses(temporal.connection.client);
    app.route(
      '/',
      createAuthorityOps({ database, blobs, settings, tokens, processes, clock, random, report }, operator),
    );
  }
  app.route(
    '/',
    createDeviceApi({
      database,
      blobs,
      deviceSecrets: () => deviceSecrets(settings),
      site: () => siteOf(settings),
      clock,
      random,
      report,
    }),
  );
  return { app, provisioner };
}

/** Writes failures of ours down as errors; that somebody asked for something wrong is their matter, and told at debug. */
function reporter(log: Log): (error: unknown) => void {
  return (error) => {
    const expected =
      error instanceof AirlockError && error.kind !== 'internal' && error.kind !== 'unavailable';
    if (expected) log.debug({ code: error.code }, 'a request was refused');
    else log.error({ error }, 'a request failed');
  };
}
