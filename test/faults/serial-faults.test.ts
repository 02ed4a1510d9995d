import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PublicKey } from '../../src/assertions/index.ts';
import { deviceKeys, ended, persist, replay, SerialFleet, type FleetDevice } from './serial-fleet.ts';

let folder: string;
let fleet: SerialFleet;
let signingKey: PublicKey;
const keys = deviceKeys(16);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-faults-'));
  fleet = await SerialFleet.open(folder);
  signingKey = await fleet.rig.addKey('serials');
});

afterAll(async () => {
  await fleet.close();
  await rm(folder, { recursive: true, force: true });
});

describe('database, HSM and Temporal that fail at one call in twenty, before or after they did it', () => {
  it('cost no serial, and make none twice', async () => {
    const devices = await fleet.devices('model-faulty', keys, signingKey);
    await fleet.start('', { faultRate: 0.05, seed: 20261121 });
    await Promise.all(devices.map((device) => persist(device)));
    await Promise.all(devices.map((device) => replay(device)));
    await Promise.all(devices.map((device) => persist(device)));
    await fleet.settle();
    await fleet.kill();
    await fleet.checkLog(devices);
  });
});

describe('a worker of its own that is killed in mid-batch', () => {
  it('is replaced, and the very requests that wait are answered with their serials by the API that never stopped', async () => {
    const devices = await fleet.devices('model-worker', keys, signingKey);
    const api = await fleet.start('', { parts: 'api', patience: 120_000 });
    const worker = await fleet.start('serials-after-sign', { parts: 'worker' });
    const all = Promise.all(devices.map(askOnce));
    await ended(worker);
    expect(worker.signalCode).toBe('SIGKILL');
    const next = await fleet.start('', { parts: 'worker' });
    await all;
    await fleet.settle();
    api.kill('SIGKILL');
    next.kill('SIGKILL');
    await Promise.all([ended(api), ended(next)]);
    await fleet.checkLog(devices);
  });
});

/** One request, with no second try. */
async function askOnce({ device, serials }: FleetDevice): Promise<void> {
  const outcome = await device.postSerialRequest(await device.serialRequest(await device.requestId()));
  expect(outcome.ready).toBe(true);
  if (outcome.ready) serials.push(outcome.serial);
}
