import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { onTestFinished } from 'vitest';
import { connectTemporal } from '../../src/worker/connection.ts';
import { createDataConverter } from '../../src/worker/data-converter.ts';
import { createNamespace } from '../../src/worker/namespace.ts';
import { testConfig } from '../support/temporal.ts';
import type { Host } from '../workflows/hosts.ts';

const PROCESS = fileURLToPath(new URL('./transfer-process.ts', import.meta.url));
const PAYLOAD_KEY = createHash('sha256').update('payloads of transfer tests').digest('hex');

/** A worker that dies, a Temporal that does not, and a host's folder between them. */
export class MortalWorker {
  readonly client: Client;
  readonly #order: string;
  #child: ChildProcess | undefined;

  private constructor(client: Client, order: string) {
    this.client = client;
    this.#order = order;
  }

  static async over(host: Host): Promise<MortalWorker> {
    const config = await testConfig();
    const dataConverter = createDataConverter([{ id: 'test', key: Buffer.from(PAYLOAD_KEY, 'hex') }]);
    const temporal = await connectTemporal(config, dataConverter);
    await createNamespace(temporal.connection, config);
    const { address, namespace } = config.env.local;
    const order = { folder: host.folder, temporal: address, namespace, payloadKey: PAYLOAD_KEY };
    const worker = new MortalWorker(temporal.client, JSON.stringify(order));
    onTestFinished(async () => {
      await worker.kill();
      await temporal.close();
    });
    return worker;
  }

  /** Starts the worker; with a crash point it dies there. Resolves when it works, or is dead already. */
  async start(crashPoint = ''): Promise<ChildProcess> {
    const child = spawn(process.execPath, [PROCESS, this.#order], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, AIRLOCK_CRASH_POINT: crashPoint },
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('error', reject);
      child.once('exit', () => resolve());
    });
    return child;
  }

  /** Ends the worker as a power cut would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = died(child);
    child.kill('SIGKILL');
    await gone;
  }
}

/** Resolves when the process is gone. */
export function died(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** All that an import leaves, without the moments at which it did: two hosts that imported the same are equal in it. */
export async function contentOf(host: Host) {
  const { queries } = host.database;
  const [snaps, revisions, releases, stores, inclusions, assertions, components, pairs] = await Promise.all([
    queries.selectFrom('Snap').select(['snapId', 'name', 'storeId', 'private']).orderBy('snapId').execute(),
    queries
      .selectFrom('SnapRevision')
      .select(['snapId', 'revision', 'sha3_384', 'snapYaml'])
      .orderBy('snapId')
      .orderBy('revision')
      .execute(),
    queries
      .selectFrom('ChannelRelease')
      .select(['snapId', 'track', 'risk', 'revision', 'endedAt'])
      .orderBy('snapId')
      .orderBy('risk')
      .execute(),
    queries.selectFrom('Store').select(['id', 'name', 'kind', 'brandId']).orderBy('id').execute(),
    queries.selectFrom('StoreInclusionSnap').select(['storeId', 'snapName']).orderBy('snapName').execute(),
    queries
      .selectFrom('StoredAssertion')
      .select(['type', 'primaryKey', 'revision', 'trusted', 'bytes'])
      .orderBy('type')
      .orderBy('primaryKey')
      .execute(),
    queries
      .selectFrom('SnapResource')
      .select(['snapId', 'name', 'type', 'revision', 'version', 'sha3_384'])
      .orderBy('sha3_384')
      .execute(),
    queries
      .selectFrom('SnapResourcePair')
      .select(['snapId', 'snapRevision', 'resourceName', 'resourceRevision'])
      .orderBy('snapId')
      .orderBy('snapRevision')
      .execute(),
  ]);
  const blobs = (await readdir(join(host.folder, 'blobs'), { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile(),
  );
  const digests: string[] = [];
  // One after the other, by pieces: they may be more than the machine's memory.
  for (const { parentPath, name } of blobs) {
    const digest = createHash('sha3-384');
    await pipeline(createReadStream(join(parentPath, name)), digest);
    digests.push(`${name} ${digest.digest('hex') === name ? 'sound' : 'damaged'}`);
  }
  const staging = await readdir(join(host.folder, 'staging'));
  const catalog = { snaps, revisions, releases, stores, inclusions, components, pairs };
  const signed = assertions.map(({ bytes, ...row }) => ({
    ...row,
    sha3_384: createHash('sha3-384').update(bytes).digest('hex'),
  }));
  return { ...catalog, assertions: signed, blobs: digests.toSorted(), staging };
}
