import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text, type Assertion, type PublicKey } from '../../../src/assertions/index.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';

let folder: string;
let rig: TestModelService;
let key: PublicKey;
let model: Assertion;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-serials-'));
  rig = await openModelService({ folder });
  key = await rig.addKey('serials');
  model = await rig.chain.model('model-a');
  await rig.addModel('model-a', { apiKey: 'api-key-of-model-a', key });
});

afterAll(async () => {
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a device of a known model', () => {
  it('gets a serial that it can verify down to the root, signed on the HSM', async () => {
    const device = await rig.device(model, { proposedSerial: 'S-0001', registrationBody: 'mac: 00:11:22\n' });
    const serial = await device.requestSerial();
    expect(text(serial, 'serial')).toBe('S-0001');
    expect(text(serial, 'authority-id')).toBe(rig.chain.brandId);
    expect(serial.signKeyId).toBe(key.keyId);
    expect(Buffer.from(serial.body).toString()).toBe('mac: 00:11:22\n');
    expect(rig.reported).toEqual([]);
  });
});
