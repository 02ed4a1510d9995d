import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PublicKey } from '../../src/assertions/index.ts';
import { CRASH_POINTS } from '../../src/activities/crash-point.ts';
import { seededChance } from './faulty.ts';
import { deviceKeys, ended, persist, SerialFleet } from './serial-fleet.ts';

let folder: string;
let fleet: SerialFleet;
let signingKey: PublicKey;
const keys = deviceKeys(64);
const POINTS = CRASH_POINTS.filter((point) => /^(?:intent|batch|serials?)-/.test(point));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-crashes-full-'));
  fleet = await SerialFleet.open(folder);
  signingKey = await fleet.rig.addKey('serials');
});

afterAll(async () => {
  await fleet.close();
  await rm(folder, { recursive: true, force: true });
});

describe('64 devices that ask again and again, with one call in twenty failing', () => {
  it.each(POINTS)('outlive a service that dies at %s', async (point) => {
    const devices = await fleet.devices(`model-${point}`, keys, signingKey);
    await fleet.kill();
    const change = { faultRate: 0.05, seed: POINTS.indexOf(point) + 1 };
    const dying = await fleet.start(`${point}@2`, change);
    // One alone first: whatever the others share, the second passage is under way when they ask.
    const [first, ...others] = devices;
    if (first === undefined) throw new Error('no devices');
    const alone = persist(first);
    await Promise.race([alone, ended(dying)]);
    const all = Promise.all([alone, ...others.map((device) => persist(device))]);
    await ended(dying);
    expect(dying.signalCode).toBe('SIGKILL');
    await fleet.keepRunning(all, change);
    await all;
    await fleet.settle();
    await fleet.kill();
    await fleet.checkLog(devices);
  });

  it.each([1, 2, 3, 4, 5, 6])('outlive a service that dies at random, seed %i', async (seed) => {
    const chance = seededChance(seed);
    const devices = await fleet.devices(`model-random-${String(seed)}`, keys, signingKey);
    await fleet.kill();
    const change = { faultRate: 0.05, seed };
    await fleet.start('', change);
    const all = Promise.all(devices.map((device) => persist(device, 300_000)));
    const running = fleet.keepRunning(all, change);
    for (let kill = 0; kill < 5; kill += 1) {
      await sleep(500 + chance() * 3000);
      await fleet.kill();
    }
    await all;
    await running;
    await fleet.settle();
    await fleet.kill();
    await fleet.checkLog(devices);
  });
});
