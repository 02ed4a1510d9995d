import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import type { BenchFigure } from '../../scripts/bench-report.ts';
import { temporalBatches } from '../../src/api/device/provisioning/serial-batches.ts';
import type { CrashPoint } from '../../src/activities/crash-point.ts';
import type { Signer } from '../../src/assertions/index.ts';
import { loadTemporalConfig } from '../../src/config/index.ts';
import { connectTemporal } from '../../src/worker/connection.ts';
import { createDataConverter } from '../../src/worker/data-converter.ts';
import { createNamespace } from '../../src/worker/namespace.ts';
import type { orderSchema } from '../faults/service-order.ts';
import { openModelService } from '../support/model-service.ts';
import { startTestServer } from '../support/temporal-server.ts';
import { load, prepareRequest, type PreparedRequest } from './serial-load.ts';

const SERVICE = join(import.meta.dirname, '../faults/service-process.ts');
const API_KEY = 'k'.repeat(40);
const GOAL_S = 5;
/** Devices of one batch. */
const AT_ONCE = 8;
/** Where the worker dies: all is signed, nothing is stored. */
const DIES_AT: CrashPoint = 'serials-after-sign';

/**
 * A worker of its own is killed in the middle of a batch, while the API goes on and the devices wait: how long until the last of
 * them has its serial, when another worker is there, and when one is started in its place.
 */
export async function workerLoss(keys: readonly Signer[]): Promise<BenchFigure[]> {
  const figures: BenchFigure[] = [];
  for (const [name, spare] of [
    ['another worker is there', true],
    ['one is started in its place', false],
  ] as const) {
    const seconds = await secondsAfterLoss(keys, spare);
    figures.push({
      name: `worker killed in mid-batch, ${name}: the last waiting device has its serial after`,
      value: seconds,
      unit: 's',
      goal: { text: `within ${String(GOAL_S)} s, without asking again`, met: seconds <= GOAL_S },
    });
  }
  return figures;
}

async function secondsAfterLoss(keys: readonly Signer[], spare: boolean): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-worker-loss-'));
  const server = await startTestServer(join(folder, 'temporal.sqlite'));
  const base = await loadTemporalConfig({ env: {} });
  const config = { ...base, env: { local: { ...base.env.local, address: server.address } } };
  const payloadKey = createHash('sha256').update('payloads of the benchmark').digest();
  const temporal = await connectTemporal(config, createDataConverter([{ id: 'test', key: payloadKey }]));
  await createNamespace(temporal.connection, config);
  const taskQueue = config.taskQueues.hsm.name;
  const runBatch = temporalBatches({ client: temporal.client, taskQueue });
  const rig = await openModelService({ folder, provisioner: { runBatch } });
  const workers: ChildProcess[] = [];
  const worker = async (crashPoint: CrashPoint | ''): Promise<ChildProcess> => {
    const order = {
      database: join(folder, 'airlock.sqlite'),
      modulePath: rig.token.modulePath,
      moduleEnv: rig.token.env,
      tokenLabel: rig.token.label,
      pin: rig.token.pin,
      temporal: server.address,
      namespace: config.env.local.namespace,
      payloadKey: payloadKey.toString('hex'),
      secretRoot: Buffer.from(rig.secretRoot).toString('hex'),
      port: 0,
      parts: 'worker',
      ahead: 0,
      patience: 0,
      faultRate: 0,
      seed: 1,
      witness: join(folder, 'witness'),
    } satisfies z.input<typeof orderSchema>;
    const child = spawn(process.execPath, [SERVICE, JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, AIRLOCK_CRASH_POINT: crashPoint },
    });
    workers.push(child);
    await new Promise<unknown>((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('exit', () => reject(new Error('the worker ended before it was ready')));
    });
    return child;
  };
  try {
    const model = await rig.chain.model('model-a');
    await rig.addModel('model-a', { apiKey: API_KEY, key: await rig.addKey('serials') });
    const requests: PreparedRequest[] = [];
    for (const signer of keys)
      requests.push(
        await prepareRequest({ signer, model, requestId: rig.service.requestId(), apiKey: API_KEY }),
      );
    const dying = await worker(DIES_AT);
    const lost = new Promise<number>((resolve) => dying.once('exit', () => resolve(performance.now())));
    if (spare) await worker('');
    // With two of them chance decides who gets a batch: the first that the one takes kills it.
    for (let at = 0; at < requests.length; at += AT_ONCE) {
      const some = requests.slice(at, at + AT_ONCE);
      const answers = load(rig.server.url, some, some.length);
      if (!spare) void lost.then(() => worker(''));
      const { statuses } = await answers;
      const answered = performance.now();
      if (!statuses.every(([status]) => status === 200))
        throw new Error(`not every device got a serial: ${JSON.stringify(statuses)}`);
      if (dying.signalCode !== null) return (answered - (await lost)) / 1000;
    }
    throw new Error('no batch came to the worker that was to die');
  } finally {
    for (const child of workers) child.kill('SIGKILL');
    await rig.close();
    await temporal.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
