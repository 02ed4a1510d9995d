import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrashPoint } from '../../src/activities/crash-point.ts';
import type { PublicKey } from '../../src/assertions/index.ts';
import { eventually } from '../support/processes.ts';
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

describe('a service that dies with signatures that nobody has seen', () => {
  it('and whose key is replaced before they are made again, has the promises that they were of in its log', async () => {
    const model = 'model-redrafted';
    const devices = await fleet.devices(model, keys.slice(0, 4), signingKey);
    await fleet.kill();
    const dying = await fleet.start('serials-after-sign');
    const all = Promise.all(devices.map((device) => persist(device)));
    await ended(dying);
    const { queries } = fleet.rig.database;
    const intents = queries
      .selectFrom('SerialIntent')
      .select(['signKeyId', 'signedAt'])
      .where('modelName', '=', model);
    const open = await intents.execute();
    expect(new Set(open.map(({ signedAt }) => signedAt))).toEqual(new Set([null]));
    const nextKey = await fleet.rig.addKey('next');
    await fleet.rig.addPolicy(model, nextKey);
    // The devices ask again before there is a worker that could end what was begun.
    const api = await fleet.start('', { parts: 'api' });
    await eventually(
      'every promise is of the new key',
      async () => {
        const of = (await intents.execute()).map(({ signKeyId }) => signKeyId);
        return of.length === devices.length && of.every((keyId) => keyId === nextKey.keyId);
      },
      90_000,
    );
    const worker = await fleet.start('', { parts: 'worker' });
    await all;
    await fleet.settle();
    for (const child of [api, worker]) child.kill('SIGKILL');
    await Promise.all([ended(api), ended(worker)]);
    expect(devices.flatMap(({ serials }) => serials.map(({ signKeyId }) => signKeyId))).toEqual(
      devices.map(() => nextKey.keyId),
    );
    await fleet.checkLog(devices, { givenUp: open.length });
  });
});
