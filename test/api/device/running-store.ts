import { randomBytes } from 'node:crypto';
import { createDeviceApi, type DeviceApiDeps } from '../../../src/api/device/index.ts';
import { startServer } from '../../../src/api/server.ts';
import {
  type FileBlobStore,
  type Database,
  openDatabase,
  openFileBlobStore,
} from '../../../src/storage/index.ts';
import { join } from 'node:path';

/** A device API with real parts around it. */
export interface RunningStore {
  readonly url: string;
  readonly database: Database;
  readonly blobs: FileBlobStore;
  readonly app: ReturnType<typeof createDeviceApi>;
  /** What the API reported as its own mistakes: a test that ends with any has found one. */
  readonly mistakes: unknown[];
  close(): Promise<void>;
}

/** Opens a database and blobs in a folder and serves the device API from them on a free port. */
export async function runStore(
  folder: string,
  change: Partial<DeviceApiDeps> = {},
  around: {
    readonly tls?: { readonly cert: string; readonly key: string };
    readonly postgresql?: string;
  } = {},
): Promise<RunningStore> {
  const { tls, postgresql } = around;
  const database = await openDatabase(
    postgresql === undefined ? { file: join(folder, 'store.sqlite') } : { postgresql },
  );
  const blobs = await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
  const mistakes: unknown[] = [];
  const secret = randomBytes(32);
  const app = createDeviceApi({
    database,
    blobs,
    deviceSecrets: async () => [{ secret, until: undefined }],
    site: async () => ({ storeId: undefined, publicUrl: undefined, caCertificate: undefined }),
    clock: () => new Date(),
    random: (bytes) => randomBytes(bytes),
    report: (error) => void mistakes.push(error),
    ...change,
  });
  const server = await startServer({ fetch: app.fetch, host: '127.0.0.1', port: 0, tls });
  return {
    url: server.url,
    database,
    blobs,
    app,
    mistakes,
    async close() {
      await server.close(100);
      await database.close();
    },
  };
}
