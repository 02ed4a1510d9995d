/**
 * A worker in a process of its own, with all that moves stores: imports, exports, fetches, over one host's folder. Tests kill it. Prints
 * "ready" when it works.
 */
import { z } from 'zod';
import { withFailures } from '../../src/activities/errors.ts';
import { loadTemporalConfig } from '../../src/config/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { connectTemporal } from '../../src/worker/connection.ts';
import { createDataConverter } from '../../src/worker/data-converter.ts';
import { startWorkers } from '../../src/worker/worker.ts';
import { fetchesOf } from '../workflows/fetching.ts';
import { openHost } from '../workflows/hosts.ts';

const order = z
  .object({ folder: z.string(), temporal: z.string(), namespace: z.string(), payloadKey: z.string() })
  .parse(JSON.parse(process.argv[2] ?? ''));
const defaults = await loadTemporalConfig({ env: {} });
const local = { ...defaults.env.local, address: order.temporal, namespace: order.namespace };
const config = { ...defaults, env: { local } };
const dataConverter = createDataConverter([{ id: 'test', key: Buffer.from(order.payloadKey, 'hex') }]);
const temporal = await connectTemporal(config, dataConverter);
const host = await openHost(order.folder);
const fetches = withFailures(fetchesOf(host));
const activities = new Proxy(host.activities, {
  get: (target, name, receiver) => Reflect.get(name in fetches ? fetches : target, name, receiver),
  ownKeys: (target) => [...Reflect.ownKeys(target), ...Reflect.ownKeys(fetches)],
  getOwnPropertyDescriptor: (target, name) =>
    Reflect.getOwnPropertyDescriptor(name in fetches ? fetches : target, name),
  has: (target, name) => name in fetches || name in target,
});
await startWorkers({
  config,
  connection: temporal.connection,
  dataConverter,
  log: silentLog(),
  activities: { airlock: activities, transfer: activities },
});
console.log('ready');
