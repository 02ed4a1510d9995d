/**
 * A Model Service in a process of its own, as `airlock up` composes it: API, worker and HSM child, on a Temporal server and a
 * database file that outlive it. Tests kill it. Prints its address when it can serve.
 */
import { randomBytes } from 'node:crypto';
import { withFailures } from '../../src/activities/errors.ts';
import { createSerialActivities } from '../../src/activities/serials.ts';
import { deriveModelServiceSecrets } from '../../src/api/device/model-service-secrets.ts';
import { Provisioner } from '../../src/api/device/provisioning/provisioner.ts';
import { temporalBatches } from '../../src/api/device/provisioning/serial-batches.ts';
import { SerialService } from '../../src/api/device/serial-service.ts';
import { createSerialRoutes } from '../../src/api/device/serials.ts';
import { startServer } from '../../src/api/server.ts';
import { loadTemporalConfig } from '../../src/config/index.ts';
import { openHsm } from '../../src/hsm/index.ts';
import { openDatabase } from '../../src/storage/index.ts';
import { signedSerials } from '../../src/storage/model-service/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { connectTemporal } from '../../src/worker/connection.ts';
import { createDataConverter } from '../../src/worker/data-converter.ts';
import { startWorkers } from '../../src/worker/worker.ts';
import { faulty, seededChance } from './faulty.ts';
import { orderSchema } from './service-order.ts';

const order = orderSchema.parse(JSON.parse(process.argv[2] ?? ''));
const { faultRate } = order;
const chance = seededChance(order.seed);
const config0 = await loadTemporalConfig({ env: {} });
const local = { ...config0.env.local, address: order.temporal, namespace: order.namespace };
const config = { ...config0, env: { local } };
const dataConverter = createDataConverter([{ id: 'test', key: Buffer.from(order.payloadKey, 'hex') }]);
const temporal = await connectTemporal(config, dataConverter);
const database = faulty(await openDatabase({ file: order.database }), ['transaction'], faultRate, chance);
const clock = () => new Date();

const provisioner = new Provisioner({
  runBatch: temporalBatches({
    client: { workflow: faulty(temporal.client.workflow, ['start'], faultRate, chance) },
    taskQueue: config.taskQueues.hsm.name,
    eager: order.parts === 'all',
  }),
  lookUp: (intents) => signedSerials(database.queries, intents),
  report: () => undefined,
  patience: order.patience,
});

if (order.parts !== 'api') {
  const hsm = await openHsm({
    module: { path: order.modulePath, env: order.moduleEnv },
    tokenLabel: order.tokenLabel,
    pin: async () => order.pin,
    probeEvery: 0,
  });
  const announce =
    order.parts === 'all'
      ? { announce: (serials: Parameters<Provisioner['announce']>[0]) => provisioner.announce(serials) }
      : {};
  const token = faulty(hsm, ['sign', 'findKey'], faultRate, chance);
  const serials = createSerialActivities({
    database,
    tokens: { of: () => token },
    clock,
    ...announce,
  });
  await startWorkers({
    config,
    connection: temporal.connection,
    dataConverter,
    log: silentLog(),
    activities: { hsm: withFailures(serials) },
  });
}

if (order.parts !== 'worker') {
  const secrets = deriveModelServiceSecrets(Buffer.from(order.secretRoot, 'hex'));
  const service = new SerialService({
    database,
    secrets,
    provisioner,
    clock,
    random: (bytes) => randomBytes(bytes),
  });
  const routes = createSerialRoutes({ service, report: () => undefined });
  await startServer({ fetch: routes.fetch, host: '127.0.0.1', port: order.port });
}
console.log('ready');
