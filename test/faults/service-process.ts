/**
 * A Model Service in a process of its own, as `airlock up` composes it: API, worker, sweep and HSM child, on a Temporal server
 * and a database file that outlive it. Tests kill it. Prints its address when it can serve.
 */
import { randomBytes } from 'node:crypto';
import type { WorkflowClient } from '@temporalio/client';
import { z } from 'zod';
import { withFailures } from '../../src/activities/errors.ts';
import { createSerialActivities } from '../../src/activities/serials.ts';
import { deriveModelServiceSecrets } from '../../src/api/device/model-service-secrets.ts';
import { Provisioner } from '../../src/api/device/provisioning/provisioner.ts';
import { temporalBatches } from '../../src/api/device/provisioning/serial-batches.ts';
import { SerialService } from '../../src/api/device/serial-service.ts';
import { createSerialRoutes } from '../../src/api/device/serials.ts';
import { startServer } from '../../src/api/server.ts';
import { RECURRING } from '../../src/appliance/recurring.ts';
import { loadTemporalConfig } from '../../src/config/index.ts';
import { openHsm, type Hsm } from '../../src/hsm/index.ts';
import { openDatabase } from '../../src/storage/index.ts';
import { signedSerials } from '../../src/storage/model-service/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { connectTemporal } from '../../src/worker/connection.ts';
import { createDataConverter } from '../../src/worker/data-converter.ts';
import { ensureSchedules } from '../../src/worker/schedules.ts';
import { startWorkers } from '../../src/worker/worker.ts';
import { faultyDatabase } from './faulty-database.ts';
import { faulty, seededChance } from './faulty.ts';
import { orderSchema } from './service-order.ts';
import { hexOf, openWitness } from './witness.ts';

const order = orderSchema.parse(JSON.parse(process.argv[2] ?? ''));
const { faultRate } = order;
const chance = seededChance(order.seed);
const see = openWitness(order.witness);
const config0 = await loadTemporalConfig({ env: {} });
const local = { ...config0.env.local, address: order.temporal, namespace: order.namespace };
const config = { ...config0, env: { local } };
const dataConverter = createDataConverter([{ id: 'test', key: Buffer.from(order.payloadKey, 'hex') }]);
const temporal = await connectTemporal(config, dataConverter);
const database = faultyDatabase(await openDatabase({ file: order.database }), faultRate, chance);
const clock = () => new Date(Date.now() + order.ahead);

const provisioner = new Provisioner({
  runBatch: temporalBatches({
    client: { workflow: watched(temporal.client.workflow) },
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
  const token = faulty(witnessed(hsm), ['sign', 'findKey'], faultRate, chance);
  const serials = createSerialActivities({
    database,
    tokens: { of: () => token },
    clock,
    log: silentLog(),
    ...announce,
  });
  await startWorkers({
    config,
    connection: temporal.connection,
    dataConverter,
    log: silentLog(),
    // What a worker tells Temporal of a step gets lost as well.
    activities: { hsm: withFailures(faulty(serials, ['signSerials', 'sweepSerials'], faultRate, chance)) },
  });
  const sweep = RECURRING.filter(({ workflow }) => workflow === 'sweepSerials');
  await ensureSchedules(temporal.client, config, sweep);
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

/** The token, with each signature written down before anybody gets it. */
function witnessed(hsm: Hsm): Pick<Hsm, 'sign' | 'findKey'> {
  return {
    findKey: (id) => hsm.findKey(id),
    async sign(id, digest) {
      const signature = await hsm.sign(id, digest);
      const hex = Buffer.from(digest).toString('hex');
      see({ act: 'sign', key: id, digest: hex, signature: hexOf(signature) });
      return signature;
    },
  };
}

/** Temporal's client, with each start written down before it is asked for; starts and results fail like all else. */
function watched(workflow: WorkflowClient): WorkflowClient {
  const started = z.tuple([z.unknown(), z.object({ workflowId: z.string() })]);
  const failing = faulty(workflow, ['start'], faultRate, chance);
  return new Proxy(failing, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'getHandle')
        return (id: string) => faulty(workflow.getHandle(id), ['result'], faultRate, chance);
      if (name !== 'start' || typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        see({ act: 'start', workflow: started.parse(args)[1].workflowId });
        return Reflect.apply(value, target, args);
      };
    },
  });
}
