import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeAssertion, softwareSigner } from '../../src/assertions/index.ts';
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

describe.skipIf(program.path === undefined)('snapd’s own store client against the device store', () => {
  let folder: string;
  let store: RunningStore;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airlock-device-store-'));
    await run(program.path ?? '', ['chain', '--out', join(folder, 'chain'), '--key-bits', '4096'], {
      maxBuffer: 1 << 26,
    });
    store = await runStore(folder);
    const chain = join(folder, 'chain');
    const manifest = await loadChain(store.database, store.blobs, chain);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
    const model = decodeAssertion(
      new Uint8Array(await readFile(join(chain, manifest.models['model-a'] ?? ''))),
    );
    const deviceKey = softwareSigner(privateKey).publicKey.encoded;
    const serial = await signSerial(chain, manifest, { model, deviceKey, serial: 'S0001' });
    await writeFile(join(folder, 'device.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(join(folder, 'serial.assert'), serial.bytes);
  });

  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ['as proxy.store', '--proxy-store=true'],
    ['as a forced API address', '--proxy-store=false'],
  ])('passes all 33 session steps %s', async (_, mode) => {
    const { stdout } = await run(
      program.path ?? '',
      [
        'session',
        '--url',
        store.url,
        '--chain',
        join(folder, 'chain'),
        '--key',
        join(folder, 'device.pem'),
        '--serial',
        join(folder, 'serial.assert'),
        '--strict',
        '--quiet',
        mode,
      ],
      { maxBuffer: 1 << 26 },
    ).catch((error: { stdout: string }) => error);
    const result = report.parse(JSON.parse(stdout));
    expect(result.results.filter((step) => !step.ok)).toEqual([]);
    expect(result.steps).toBe(33);
    expect(store.mistakes).toEqual([]);
  });
});
