import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrashPoint } from '../../src/activities/crash-point.ts';
import type { PublicKey } from '../../src/assertions/index.ts';
import { deviceKeys, ended, persist, replay, SerialFleet } from './serial-fleet.ts';

/** Between every two steps of the making of a serial (DESIGN section 6). */
export const SERIAL_CRASH_POINTS: readonly CrashPoint[] = [
  'intent-before-commit',
  'intent-after-commit',
  'batch-before-start',
  'batch-after-start',
  'serials-before-sign',
  'serials-after-sign',
  'serials-before-commit',
  'serials-after-commit',
  'serial-before-answer',
];

let folder: string;
let fleet: SerialFleet;
let signingKey: PublicKey;
const keys = deviceKeys(12);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-crashes-'));
  fleet = await SerialFleet.open(folder);
  signingKey = await fleet.rig.addKey('serials');
});

afterAll(async () => {
  await fleet.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a service that dies', () => {
  it.each(SERIAL_CRASH_POINTS)(
    'at %s loses no serial, makes none twice, and logs every one',
    async (point) => {
      const devices = await fleet.devices(`model-${point}`, keys, signingKey);
      await fleet.kill();
      // The third passage: something was done before, and something is under way.
      const dying = await fleet.start(`${point}@${point.startsWith('serial-') ? '3' : '1'}`);
      const all = Promise.all(devices.map((device) => persist(device)));
      await ended(dying);
      expect(dying.signalCode).toBe('SIGKILL');
      await fleet.keepRunning(all);
      await all;
      // Each asks once more, with the same request and with a new one, and gets the very same again.
      await Promise.all(devices.map((device) => replay(device)));
      await Promise.all(devices.map((device) => persist(device)));
      await fleet.settle();
      await fleet.checkLog(devices);
    },
  );
});
