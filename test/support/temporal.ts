/** Temporal for tests: the run's one server, a namespace of its own for whoever asks, workers, recorded histories. */
import { createHash, randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { inject } from 'vitest';
import { z } from 'zod';
import { loadTemporalConfig, type QueueName, type TemporalConfig } from '../../src/config/index.ts';
import { createLog, logLevelOf } from '../../src/telemetry/index.ts';
import { connectTemporal, type TemporalConnection } from '../../src/worker/connection.ts';
import { createDataConverter } from '../../src/worker/data-converter.ts';
import { createNamespace } from '../../src/worker/namespace.ts';
import type { PayloadKeyRing } from '../../src/worker/payload-codec.ts';
import { installRuntime } from '../../src/worker/runtime.ts';
import { startWorkers, type Workers } from '../../src/worker/worker.ts';
import { keepHistories } from './histories.ts';

/** Seals the payloads of tests and of recorded histories. Not a secret. */
export const TEST_KEYS: PayloadKeyRing = [
  { id: 'test', key: createHash('sha256').update('payloads of tests').digest() },
];

/** Silent unless `AIRLOCK_LOG_LEVEL` says otherwise: for whoever looks for a fault. */
const log = createLog(logLevelOf({ AIRLOCK_LOG_LEVEL: process.env['AIRLOCK_LOG_LEVEL'] ?? 'silent' }));

/** A namespace that nobody else uses, and the way to it. Close it after the tests. */
export interface TestTemporal {
  readonly config: TemporalConfig;
  readonly dataConverter: DataConverter;
  readonly temporal: TemporalConnection;
  readonly client: Client;
  /** Runs the workflows of queue `airlock` from the first call until all is closed. */
  readonly startWorkflows: () => Promise<unknown>;
  close(): Promise<void>;
}

/** What the workers of a test perform, by queue. */
export type TestActivities = Readonly<Partial<Record<QueueName, object>>>;

/** Starts the run's server if no test did so before, and makes a namespace on it. */
export async function openTestTemporal(
  dataConverter: DataConverter = createDataConverter(TEST_KEYS),
): Promise<TestTemporal> {
  const config = await testConfig();
  installRuntime(config, log);
  const temporal = await connectTemporal(config, dataConverter);
  await createNamespace(temporal.connection, config);
  let workflows: Promise<Workers> | undefined;
  return {
    config,
    dataConverter,
    temporal,
    client: temporal.client,
    startWorkflows: () =>
      (workflows ??= startWorkers({
        config,
        dataConverter,
        connection: temporal.connection,
        activities: { airlock: {} },
        log,
      })),
    close: async () => {
      await workflows?.then((running) => running.stop());
      await temporal.close();
    },
  };
}

/** Configuration for a namespace of its own on the run's server, not made yet. */
export async function testConfig(): Promise<TemporalConfig> {
  const config = await loadTemporalConfig({ env: {} });
  const namespace = `test-${randomUUID()}`;
  return { ...config, env: { local: { ...config.env.local, address: await serverAddress(), namespace } } };
}

/**
 * Runs workers for as long as `work` takes, with the project's workflows or those of `bundle`. The workflows of queue
 * `airlock` go on running between two calls, in one worker: a thread for them takes a second of processor time to start.
 */
export async function withWorkers<Answer>(
  { config, dataConverter, temporal, client, startWorkflows }: TestTemporal,
  activities: TestActivities,
  work: (client: Client) => Promise<Answer>,
  bundle?: string,
): Promise<Answer> {
  const { airlock, ...others } = activities;
  const shared = bundle === undefined && airlock !== undefined;
  if (shared) await startWorkflows();
  const workers = await startWorkers({
    config: shared ? withoutWorkflows(config) : config,
    dataConverter,
    connection: temporal.connection,
    activities: shared && Object.keys(airlock).length === 0 ? others : activities,
    log,
    ...(bundle !== undefined && { bundle }),
  });
  try {
    const answer = await work(client);
    if (process.env['AIRLOCK_RECORD_HISTORIES'] === '1' && bundle === undefined) await keepHistories(client);
    return answer;
  } finally {
    await workers.stop();
  }
}

/** The same for a host whose activities serve the queues of the durable processes and of large files. */
export function withHost<Answer>(
  temporal: TestTemporal,
  { activities }: { readonly activities: object },
  work: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  return withWorkers(temporal, { airlock: activities, transfer: activities }, work);
}

/** The same, but queue `airlock` runs activities alone. */
function withoutWorkflows(config: TemporalConfig): TemporalConfig {
  const { airlock, ...others } = config.taskQueues;
  return { ...config, taskQueues: { ...others, airlock: { ...airlock, workflowTasks: 0 } } };
}

const answered = z.union([z.object({ address: z.string() }), z.object({ error: z.string() })]);

async function serverAddress(): Promise<string> {
  const answer = answered.parse(await (await fetch(inject('temporalService'))).json());
  if ('error' in answer) throw new Error(answer.error);
  return answer.address;
}
