import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeStream, hexToSnapSha3, text, type Assertion } from '../../../src/assertions/index.ts';
import { Device, DeviceError } from '../../support/device.ts';
import { devicesim, reasonToSkip } from '../../support/devicesim.ts';

const run = promisify(execFile);
const sim = await devicesim();
const manifest = z.object({ 'api-keys': z.record(z.string(), z.string()) });

/** The device that our own tests use, against the reference server made of snapd's own code. */
describe.skipIf(sim.path === undefined)(
  `a test device beside the reference server${reasonToSkip(sim)}`,
  () => {
    let folder: string;
    let address: string;
    let apiKey: string;
    let stop: () => Promise<void>;
    let device: Device;
    let roots: readonly Assertion[];
    let all: readonly Assertion[];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'airlock-chain-'));
      const path = sim.path ?? '';
      await run(path, ['chain', '--out', folder, '--key-bits', '2048', '--snaps', '2']);
      roots = decodeStream(await readFile(join(folder, 'trusted.assert')));
      all = decodeStream(await readFile(join(folder, 'all.assert')));
      apiKey =
        manifest.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')))['api-keys'][
          'model-a'
        ] ?? '';
      ({ address, stop } = await serve(path, folder));
      device = await Device.make({ ...deviceOptions(), keyBits: 2048, proposedSerial: 'SN-1' });
    });
    afterAll(async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    });

    function deviceOptions() {
      const model = all.find((one) => one.type === 'model' && text(one, 'model') === 'model-a');
      if (model === undefined) throw new Error('the chain has no model-a');
      const seed = all.filter((one) => one.type === 'account' || one.type === 'account-key');
      return { store: address, model, roots, seed, headers: { 'api-key': apiKey } };
    }

    it('gets a serial and checks it down to the root', async () => {
      const serial = await device.requestSerial();
      expect(text(serial, 'brand-id')).toBe('my-brand');
      expect(text(serial, 'device-key-sha3-384')).toBe(device.signer.publicKey.keyId);
    });

    it('shows what the server says when it is refused', async () => {
      const request = await device.serialRequest('never-given');
      await expect(device.postSerialRequest(request)).rejects.toThrow(DeviceError);
    });

    it('opens a session and renews it when the store asks for that', async () => {
      const first = await device.openSession();
      expect(device.session).toBe(first);
      device.useSession('not a session');
      expect((await device.info('sim-app-2')).name).toBe('sim-app-2');
      expect(device.session).not.toBe('not a session');
    });

    it('installs, downloads with a break, and checks the snap down to the root', async () => {
      const { results } = await device.refresh([
        {
          action: 'install',
          'instance-key': 'install-1',
          name: 'sim-app-2',
          channel: 'latest/stable',
          epoch: null,
        },
      ]);
      const snap = results[0]?.snap;
      expect(snap).toBeDefined();
      if (snap === undefined) return;
      const download = await device.download(snap.download, join(folder, 'downloaded.snap'), 1000);
      expect(download.statuses).toEqual([200, 206]);
      const digest = hexToSnapSha3(download.sha3_384);
      const revision = await device.trustedAssertion('snap-revision', [digest]);
      expect(revision && text(revision, 'snap-id')).toBe(snap['snap-id']);
    });
  },
);

function serve(path: string, chain: string): Promise<{ address: string; stop: () => Promise<void> }> {
  const child = spawn(path, ['fakeserver', '--chain', chain, '--addr', '127.0.0.1:0', '--log=false'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = /^listening on (\S+)/.exec(line)?.[1];
      if (address === undefined) return;
      const stop = (): Promise<void> => {
        child.kill('SIGTERM');
        return closed;
      };
      resolve({ address, stop });
    });
  });
}
