import { createAdminApi, modelServiceProcesses } from '../api/admin/index.ts';
import { openModelServiceSecrets } from '../api/device/model-service-secrets.ts';
import { Provisioner } from '../api/device/provisioning/provisioner.ts';
import { temporalBatches } from '../api/device/provisioning/serial-batches.ts';
import { SerialService } from '../api/device/serial-service.ts';
import { createSerialRoutes } from '../api/device/serials.ts';
import type { Counter } from '../api/front.ts';
import { hsmTokenNames, Settings } from '../config/index.ts';
import { signedSerials } from '../storage/model-service/index.ts';
import type { Shared } from './http-parts.ts';

/** Groups the promises of serials into batches for the workers of the HSM. */
export function createProvisioner({ foundation, temporal, worksHere, report }: Shared): Provisioner {
  const { queries } = foundation.database;
  const { lanes, size, waiting } = temporal.config.serials.batches;
  return new Provisioner({
    lanes,
    batchSize: size,
    capacity: waiting,
    runBatch: temporalBatches({
      client: temporal.connection.client,
      taskQueue: temporal.config.taskQueues.hsm.name,
      eager: worksHere,
    }),
    lookUp: (intents) => signedSerials(queries, intents),
    report,
    tracing: foundation.tracing,
  });
}

/** The Model Service: serials for devices, and the gateway for the admins of brands. */
export async function modelServiceCounters(shared: Shared, provisioner: Provisioner): Promise<Counter[]> {
  const { foundation, temporal, status, tokens, random, report } = shared;
  const { database, settings, clock, secretBox, tracing } = foundation;
  const secrets = await openModelServiceSecrets(settings, clock());
  const service = new SerialService({ database, secrets, provisioner, clock, random, tracing });
  const fronts = async () => new Settings(await settings.all()).list('proxy.trust-forwarded-for');
  const serials = createSerialRoutes({ service, report, fronts });
  const admin = createAdminApi({
    database,
    sealer: secretBox,
    secrets,
    tokens,
    processes: modelServiceProcesses(temporal.connection.client),
    hasAuthority: async () =>
      (await settings.get('airlock.authority.url')) !== undefined &&
      (await settings.get('airlock.authority.login')) !== undefined,
    hsmTokens: async () => hsmTokenNames(await settings.all()),
    clock,
    random,
    hsm: (token) => status.hsm().find(({ name }) => name === token),
    readTimeout: async () =>
      new Settings(await settings.all()).number('internal.publishergw.snapmodels.read-timeout'),
    report,
  });
  const serialPaths = [
    '/api/v1/snaps/auth/request-id',
    '/api/v1/snaps/auth/devices',
    '/v1/request-id',
    '/v1/serial',
  ];
  return [
    ...serialPaths.map((prefix) => ({ prefix, app: serials })),
    { prefix: '/v1', app: admin },
    { prefix: '/publishergw', app: admin, strip: true },
  ];
}
