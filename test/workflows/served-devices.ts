/** A host's snaps as devices and other stores get them, on real parts and with no test framework: benches use it too. */
import { randomBytes } from 'node:crypto';
import { createDeviceApi } from '../../src/api/device/index.ts';
import { startServer, type RunningServer } from '../../src/api/server.ts';
import type { Host } from './hosts.ts';

/** The device API of a host that has no sessions. */
export function deviceApiOf(
  { database, blobs }: Pick<Host, 'database' | 'blobs'>,
  report: (error: unknown) => void = (error) => console.error(error),
) {
  return createDeviceApi({
    database,
    blobs,
    deviceSecrets: () => Promise.resolve([]),
    site: () => Promise.resolve({ storeId: undefined, publicUrl: undefined, caCertificate: undefined }),
    clock: () => new Date(),
    random: (size) => new Uint8Array(randomBytes(size)),
    report,
  });
}

/** The same on a free loopback port, but for what `instead` answers by the path that is asked. Close it at the end. */
export function serveDevicesBut(
  host: Pick<Host, 'database' | 'blobs'>,
  instead: (path: string) => Promise<Response | undefined>,
): Promise<RunningServer> {
  const app = deviceApiOf(host);
  return startServer({
    fetch: async (request, bindings) =>
      (await instead(new URL(request.url).pathname)) ?? app.fetch(request, bindings),
    host: '127.0.0.1',
    port: 0,
  });
}

/** The same, all of it. */
export function serveDevices(
  host: Pick<Host, 'database' | 'blobs'>,
  report?: (error: unknown) => void,
): Promise<RunningServer> {
  const app = deviceApiOf(host, report);
  return startServer({
    fetch: (request, bindings) => app.fetch(request, bindings),
    host: '127.0.0.1',
    port: 0,
  });
}
