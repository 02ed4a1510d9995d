/** Devices at a token that signs when the test says so. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text, type Assertion } from '../../../src/assertions/index.ts';
import { DeviceError, type Device } from '../../support/device.ts';
import { HeldToken } from '../../support/held-token.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';

const CAPACITY = 6;

let folder: string;
let rig: TestModelService;
let model: Assertion;
let token: HeldToken;
let made = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-waiting-'));
  rig = await openModelService({
    folder,
    smallKeys: 1,
    before: (hsm) => (token = new HeldToken(hsm)),
    provisioner: { batchSize: 1, capacity: CAPACITY, patience: 50 },
  });
  model = await rig.chain.model('model-a');
  await rig.addModel('model-a', { apiKey: 'api-key-of-model-a', key: await rig.addKey('serials') });
});

afterAll(async () => {
  token.release(Infinity);
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

interface Waiting {
  readonly device: Device;
  readonly request: Assertion;
}

async function arrives(serial: string): Promise<Waiting> {
  made += 1;
  const device = await rig.device(model);
  return { device, request: await device.serialRequest(await device.requestId(), { serial }) };
}

/** What the same request, sent again, is answered now: a serial number, or a status. */
async function ask({ device, request }: Waiting): Promise<string | number> {
  try {
    const outcome = await device.postSerialRequest(request);
    return outcome.ready ? text(outcome.serial, 'serial') : 202;
  } catch (error) {
    if (error instanceof DeviceError) return error.status;
    throw error;
  }
}

async function askAll(devices: readonly Waiting[]): Promise<(string | number)[]> {
  const answers: (string | number)[] = [];
  for (const device of devices) answers.push(await ask(device));
  return answers;
}

describe('devices at a token that is slower than they are', () => {
  it('are served in the order in which they came, told to come back meanwhile, and refused at once beyond the limit', async () => {
    const names = ['A-1', 'A-2', 'A-3', 'A-4', 'A-5', 'A-6'];
    const devices = await Promise.all(names.map(arrives));
    expect(await askAll(devices)).toEqual([202, 202, 202, 202, 202, 202]);

    // One more than may wait: told so before anything of it is written.
    const late = await arrives('A-7');
    expect(await ask(late)).toBe(503);
    expect(await intents()).toEqual(names);

    // Those who ask again keep their place, however often they do.
    expect(await askAll(devices.toReversed())).toEqual([202, 202, 202, 202, 202, 202]);
    token.release(2);
    await expect.poll(signed).toEqual(['A-1', 'A-2']);
    expect(await askAll(devices)).toEqual(['A-1', 'A-2', 202, 202, 202, 202]);

    // There is room again: the newcomer is behind all who wait, and is not forgotten.
    expect(await ask(late)).toBe(202);
    token.release(2);
    await expect.poll(signed).toEqual(['A-1', 'A-2', 'A-3', 'A-4']);
    expect(await ask(late)).toBe(202);
    token.release(Infinity);
    await expect.poll(signed).toEqual([...names, 'A-7']);
    expect(await askAll([...devices, late])).toEqual([...names, 'A-7']);
    expect(made).toBe(7);
  });
});

function intents(): Promise<string[]> {
  return serials(false);
}

function signed(): Promise<string[]> {
  return serials(true);
}

async function serials(signedOnly: boolean): Promise<string[]> {
  const rows = await rig.database.queries.selectFrom('SerialIntent').select(['serial', 'signedAt']).execute();
  return rows
    .filter(({ signedAt }) => !signedOnly || signedAt !== null)
    .map(({ serial }) => serial)
    .toSorted();
}
