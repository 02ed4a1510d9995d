import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { BucketPlace } from '../../src/storage/index.ts';
import { freePort } from './free-port.ts';
import { goProgram, type GoProgram } from './go-program.ts';
import { temporaryFolder } from './temporary-folder.ts';

const SOURCES = join(import.meta.dirname, '../interop/versitygw');

/** A server of S3-compatible storage that others wrote: the Versity gateway over a folder. It checks every signature. */
export function versitygw(): Promise<GoProgram> {
  return goProgram('versitygw', SOURCES, ['github.com/versity/versitygw/cmd/versitygw']);
}

/** A running server, and who may use it. */
export interface BucketServer {
  readonly address: string;
  readonly port: number;
  /** Its buckets are folders in here, objects files in them. */
  readonly folder: string;
  /** The documented settings that name it. */
  readonly settings: Readonly<Record<string, string>>;
  /** A place in it. */
  place(changes?: Partial<BucketPlace>): BucketPlace;
  stop(): Promise<void>;
  /** Listens again at the same address, with the same content. */
  start(): Promise<void>;
}

/** Starts a server for one test, with the bucket `snaps`. With a certificate it speaks TLS alone. */
export async function startBucketServer(
  program: string,
  tls?: { readonly cert: string; readonly key: string },
): Promise<BucketServer> {
  const root = await temporaryFolder();
  const folder = join(root, 'buckets');
  const sidecar = join(root, 'sidecar');
  for (const path of [folder, sidecar, join(folder, 'snaps')]) await mkdir(path, { recursive: true });
  const port = await freePort();
  let running: ChildProcess | undefined;
  const stop = async () => {
    const child = running;
    running = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  const start = async () => {
    const secure = tls === undefined ? [] : ['--cert', tls.cert, '--key', tls.key];
    running = spawn(
      program,
      [
        '--quiet',
        '--port',
        `127.0.0.1:${port}`,
        ...secure,
        '--access',
        'airlock-test',
        '--secret',
        SECRET,
        'posix',
        '--sidecar',
        sidecar,
        folder,
      ],
      { stdio: 'ignore', cwd: root },
    );
    await listening(port);
  };
  onTestFinished(stop);
  await start();
  const address = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  return {
    address,
    port,
    folder,
    settings: {
      'proxy.storage.s3.server-url': address,
      'proxy.storage.s3.access-key-id': 'airlock-test',
      'proxy.storage.s3.secret-access-key': SECRET,
      'proxy.storage.s3.scanned-container-name': 'snaps',
    },
    place: (changes) => ({
      endpoint: address,
      region: 'us-east-1',
      pathStyle: true,
      accessKeyId: 'airlock-test',
      secretAccessKey: SECRET,
      bucket: 'snaps',
      ...changes,
    }),
    stop,
    start,
  };
}

const SECRET = 'a secret that only these tests know';

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`the bucket server does not listen on port ${port}`);
}
