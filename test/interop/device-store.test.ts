import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { decodeAssertion, softwareSigner } from '../../src/assertions/index.ts';
import type { DeviceApiDeps } from '../../src/api/device/index.ts';
import { loadChain, signSerial } from '../api/device/devicesim-chain.ts';
import { type RunningStore, runStore } from '../api/device/running-store.ts';
import { devicesim } from '../support/devicesim.ts';

const run = promisify(execFile);
const program = await devicesim();

const report = z.object({
  ok: z.boolean(),
  steps: z.number(),
  results: z.array(z.object({ name: z.string(), ok: z.boolean(), error: z.string().optional() })),
});
const failed = z.object({ stdout: z.string() });

describe.skipIf(program.path === undefined)('snapd’s own store client against the device store', () => {
  let folder: string;
  let chain: string;
  /** Of every device, each in another store: as large as those that snapd makes. */
  let privateKey: KeyObject;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airlock-device-store-'));
    chain = join(folder, 'chain');
    await run(program.path ?? '', ['chain', '--out', chain], { maxBuffer: 1 << 26 });
    ({ privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 }));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A store with the chain in it, and a device of model-a with a serial for it. */
  async function open(
    name: string,
    change: Partial<DeviceApiDeps> = {},
    tls?: { cert: string; key: string },
  ): Promise<{ store: RunningStore; device: string[] }> {
    const own = join(folder, name);
    await mkdir(own);
    const store = await runStore(own, change, tls === undefined ? {} : { tls });
    onTestFinished(() => store.close());
    const manifest = await loadChain(store.database, store.blobs, chain);
    const model = decodeAssertion(
      new Uint8Array(await readFile(join(chain, manifest.models['model-a'] ?? ''))),
    );
    const deviceKey = softwareSigner(privateKey).publicKey.encoded;
    const serial = await signSerial(chain, manifest, { model, deviceKey, serial: 'S0001' });
    await writeFile(join(own, 'device.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(join(own, 'serial.assert'), serial.bytes);
    return { store, device: ['--key', join(own, 'device.pem'), '--serial', join(own, 'serial.assert')] };
  }

  async function session(url: string, more: readonly string[], env: Record<string, string> = {}) {
    const { stdout } = await run(
      program.path ?? '',
      ['session', '--url', url, '--chain', chain, '--strict', '--quiet', ...more],
      { maxBuffer: 1 << 26, env: { ...process.env, ...env } },
    ).catch((error: unknown) => failed.parse(error));
    const { results, steps } = report.parse(JSON.parse(stdout));
    return { failures: results.filter((step) => !step.ok), steps };
  }

  it.each([
    ['as proxy.store', '--proxy-store=true'],
    ['as a forced API address', '--proxy-store=false'],
  ])('passes all 33 session steps %s', async (name, mode) => {
    const { store, device } = await open(name);
    expect(await session(store.url, [...device, mode])).toEqual({ failures: [], steps: 33 });
    expect(store.mistakes).toEqual([]);
  });

  it('passes them over TLS with a private CA', async () => {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...names,
    ]);
    const { store, device } = await open(
      'tls',
      {},
      { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') },
    );
    expect(store.url).toMatch(/^https:/);
    const trust = { SSL_CERT_FILE: cert };
    expect(await session(store.url, device, trust)).toEqual({ failures: [], steps: 33 });
    // The CA is all that makes the difference: without it nothing is trusted.
    expect((await session(store.url, [...device, '--only', 'session-get'])).failures).toHaveLength(1);
  });

  it('follows a redirect of its downloads to a server that knows no devices', async () => {
    const asked: IncomingMessage[] = [];
    const files = await fileServer(() => opened.store, asked);
    const opened = await open('redirect', {
      handOver: async (blob) => ({ redirect: `${files.url}/${blob.digest}?signature=short-lived` }),
    });
    const steps = 'download,download-resume,download-delta,connectivity,neg-private-without-session';
    expect(await session(opened.store.url, [...opened.device, '--only', steps])).toEqual({
      failures: [],
      steps: 5,
    });
    expect(asked.length).toBeGreaterThan(5);
    for (const { headers } of asked) {
      expect(headers).not.toHaveProperty('x-device-authorization');
      expect(headers).not.toHaveProperty('authorization');
    }
  });

  /** Serves blobs by digest to anybody, with ranges, as object storage does for presigned addresses. */
  async function fileServer(
    store: () => RunningStore,
    asked: IncomingMessage[],
  ): Promise<{ url: string; server: Server }> {
    const server = createServer((request, response) => {
      if (request.method === 'GET') asked.push(request);
      const digest = /^\/([0-9a-f]{96})\?/.exec(request.url ?? '')?.[1] ?? '';
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const path = join(folder, 'redirect/blobs', digest.slice(0, 2), digest);
      response.statusCode = start > 0 ? 206 : 200;
      if (request.method === 'HEAD') response.end();
      else
        createReadStream(path, { start })
          .on('error', (error) => store().mistakes.push(error))
          .pipe(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    return { url: `http://127.0.0.1:${portOf(address)}`, server };
  }
});

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
