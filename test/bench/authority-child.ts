/** The outside host of a benchmark as a process of its own: serves its snaps as devices and online hosts get them. */
import { randomBytes } from 'node:crypto';
import { createDeviceApi } from '../../src/api/device/index.ts';
import { startServer } from '../../src/api/server.ts';
import { openHost } from '../workflows/hosts.ts';

const { database, blobs } = await openHost(process.argv[2] ?? '');
const site = { storeId: undefined, publicUrl: undefined, caCertificate: undefined };
const app = createDeviceApi({
  database,
  blobs,
  deviceSecrets: () => Promise.resolve([]),
  site: () => Promise.resolve(site),
  clock: () => new Date(),
  random: (size) => new Uint8Array(randomBytes(size)),
  report: (error) => console.error(error),
});
const server = await startServer({
  fetch: (request, bindings) => app.fetch(request, bindings),
  host: '127.0.0.1',
  port: 0,
});
process.send?.(server.url);
process.once('disconnect', () => process.exit(0));
