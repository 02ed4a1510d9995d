import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withFailures } from '../../src/activities/errors.ts';
import { temporalBatches } from '../../src/api/device/provisioning/serial-batches.ts';
import type { Assertion, PublicKey, Signer } from '../../src/assertions/index.ts';
import { loadTemporalConfig } from '../../src/config/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { connectTemporal } from '../../src/worker/connection.ts';
import { createDataConverter } from '../../src/worker/data-converter.ts';
import { createNamespace } from '../../src/worker/namespace.ts';
import { startWorkers } from '../../src/worker/worker.ts';
import { openModelService, type ModelServiceRig, type TestModelService } from '../support/model-service.ts';
import { childrenOf, processorTicks, residentBytes } from '../support/processes.ts';
import { startTestServer } from '../support/temporal-server.ts';
import { prepareRequest, type PreparedRequest } from './serial-load.ts';

/** The embedded appliance as `airlock up` composes it, in this process: API, worker, HSM child, Temporal on a file. */
export interface SerialStand {
  readonly rig: TestModelService;
  /** Where the database and Temporal's file are. */
  readonly folder: string;
  /** A new model with a policy. */
  model(): Promise<Assertion>;
  /** Signs so many requests of factory-new devices: each key once per model, so models are made as needed. */
  prepare(count: number, keys: readonly Signer[]): Promise<PreparedRequest[]>;
  /** Processor time so far, in milliseconds. */
  cpu(): PerPart;
  /** Resident memory now, in bytes. */
  memory(): PerPart;
  /** Time spent in transactions of the database so far, in milliseconds: they run one after the other. */
  inTransactions(): number;
  close(): Promise<void>;
}

/** Something of each process. */
export interface PerPart {
  /** API and worker. */
  readonly service: number;
  readonly hsm: number;
  readonly temporal: number;
}

/** That of every model of the stand. */
export const API_KEY = 'k'.repeat(40);
const TICK_MS = 10;

/** Opens the stand; the rig may say which token and which lanes. */
export async function openStand(of: Partial<ModelServiceRig> = {}): Promise<SerialStand> {
  const folder = of.folder ?? (await mkdtemp(join(tmpdir(), 'airlock-serials-bench-')));
  const server = await startTestServer(join(folder, 'temporal.sqlite'));
  const base = await loadTemporalConfig({ env: {} });
  const config = { ...base, env: { local: { ...base.env.local, address: server.address } } };
  const key = createHash('sha256').update('payloads of the benchmark').digest();
  const dataConverter = createDataConverter([{ id: 'bench', key }]);
  const temporal = await connectTemporal(config, dataConverter, server.address, of.tracing);
  await createNamespace(temporal.connection, config);
  const taskQueue = config.taskQueues.hsm.name;
  const rig = await openModelService({
    ...of,
    folder,
    provisioner: {
      runBatch: temporalBatches({ client: temporal.client, taskQueue, eager: true }),
      ...of.provisioner,
    },
  });
  const inTransactions = timeTransactions(rig);
  const workers = await startWorkers({
    config,
    connection: temporal.connection,
    dataConverter,
    log: silentLog(),
    ...(of.tracing && { tracing: of.tracing }),
    activities: { hsm: withFailures(rig.activities) },
  });
  const signingKey = await rig.addKey('serials');
  const models = modelSource(rig, signingKey);
  return {
    rig,
    folder,
    model: models,
    async prepare(count, keys) {
      const requests: PreparedRequest[] = [];
      while (requests.length < count) {
        const model = await models();
        for (const signer of keys.slice(0, count - requests.length)) {
          const requestId = rig.service.requestId();
          requests.push(await prepareRequest({ signer, model, requestId, apiKey: API_KEY }));
        }
      }
      return requests;
    },
    cpu,
    memory,
    inTransactions,
    async close() {
      await rig.close();
      await workers.stop();
      await temporal.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Puts a watch on the rig's transactions. */
function timeTransactions({ database }: TestModelService): () => number {
  let total = 0;
  const transaction = database.transaction.bind(database);
  const timed: typeof database.transaction = (work) =>
    transaction(async (queries) => {
      const start = performance.now();
      try {
        return await work(queries);
      } finally {
        total += performance.now() - start;
      }
    });
  Object.assign(database, { transaction: timed });
  return () => total;
}

function modelSource(rig: TestModelService, key: PublicKey): () => Promise<Assertion> {
  let made = 0;
  return async () => {
    made += 1;
    const name = `model-${String(made)}`;
    await rig.addModel(name, { apiKey: API_KEY, key });
    return rig.chain.model(name);
  };
}

function cpu(): PerPart {
  const own = process.cpuUsage();
  return {
    service: (own.user + own.system) / 1000,
    ...ofChildren((pid) => processorTicks(pid) * TICK_MS),
  };
}

function memory(): PerPart {
  return { service: process.memoryUsage.rss(), ...ofChildren(residentBytes) };
}

/** The sum over the processes of each part that runs beside this one. */
function ofChildren(measure: (pid: number) => number): Omit<PerPart, 'service'> {
  const children = childrenOf(process.pid);
  const sum = (pattern: RegExp) =>
    children
      .filter(({ command }) => pattern.test(command))
      .flatMap(({ pid }) => [pid, ...childrenOf(pid).map((child) => child.pid)])
      .reduce((total, pid) => total + measure(pid), 0);
  return { hsm: sum(/src\/hsm\/child\.ts|p11-kit/), temporal: sum(/temporal.*server start-dev/) };
}
