/** Devices whose promise is changed while its signature is under way. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAssertion, type Assertion, type PublicKey } from '../../../src/assertions/index.ts';
import { addPermit, listSerialLog } from '../../../src/storage/model-service/index.ts';
import type { Device } from '../../support/device.ts';
import { HeldToken } from '../../support/held-token.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';
import { eventually } from '../../support/processes.ts';

let folder: string;
let rig: TestModelService;
let token: HeldToken;
let keys: readonly [PublicKey, PublicKey];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-promises-'));
  rig = await openModelService({ folder, smallKeys: 2, before: (hsm) => (token = new HeldToken(hsm)) });
  keys = [await rig.addKey('first'), await rig.addKey('second')];
});

afterAll(async () => {
  token.release(Infinity);
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

async function newModel(name: string): Promise<Assertion> {
  await rig.addModel(name, { apiKey: `api-key-of-${name}`, key: keys[0] });
  return rig.chain.model(name);
}

async function ask(device: Device) {
  return device.postSerialRequest(await device.serialRequest(await device.requestId()));
}

/** Waits until the model's only promise is this device's, by this key. */
function promised(modelName: string, deviceKey: PublicKey, signKey: PublicKey): Promise<void> {
  return eventually(`a promise of ${modelName}`, async () => {
    const row = await rig.database.queries
      .selectFrom('SerialIntent')
      .select(['deviceKeyId', 'signKeyId'])
      .where('modelName', '=', modelName)
      .executeTakeFirst();
    return row?.deviceKeyId === deviceKey.keyId && row.signKeyId === signKey.keyId;
  });
}

describe('a device that waits for its serial', () => {
  it('is never given the one of the board that replaces it meanwhile', async () => {
    const model = await newModel('model-replaced');
    const [former, next] = [
      await rig.device(model, { proposedSerial: 'S-1' }),
      await rig.device(model, { proposedSerial: 'S-1' }),
    ];
    const answer = ask(former);
    await eventually('the signature is asked for', () => token.waiting === 1);
    await addPermit(
      rig.database.queries,
      { brandId: rig.chain.brandId, modelName: 'model-replaced' },
      { serial: 'S-1', deviceKeyId: null, reason: 'broken', expiresAt: null, by: 'admin', at: new Date() },
    );
    const other = ask(next);
    await promised('model-replaced', next.signer.publicKey, keys[0]);
    token.release(2);
    expect(await answer).toEqual({ ready: false });
    expect(await other).toMatchObject({ ready: true, serial: { revision: 1 } });
    await expect(ask(former)).rejects.toMatchObject({ status: 403 });
  });

  it('gets one with the account-key that signed it, though another key took over meanwhile', async () => {
    const model = await newModel('model-rotated');
    const device = await rig.device(model, { proposedSerial: 'S-1' });
    const first = ask(device);
    await eventually('the signature is asked for', () => token.waiting === 1);
    await rig.addPolicy('model-rotated', keys[1]);
    const second = ask(device);
    await promised('model-rotated', device.signer.publicKey, keys[1]);
    token.release(2);
    // The device itself checks each serial down to the root, with nothing but what came with it.
    expect(await first).toEqual({ ready: false });
    expect(await second).toMatchObject({ ready: true, serial: { signKeyId: keys[1].keyId } });
    // Both signatures are in the log, the one that came too late with what was asked for it.
    const { brandId } = rig.chain;
    const log = await listSerialLog(rig.database.queries, { brandId, modelName: 'model-rotated', limit: 10 });
    expect(log).toHaveLength(2);
    const [late, present] = log.toSorted((one) => (one.ended === null ? 1 : -1));
    expect(late).toMatchObject({
      signKeyId: keys[0].keyId,
      apiKeyName: present?.apiKeyName,
      ended: { reason: 'key-changed' },
    });
    expect(decodeAssertion(late?.serialRequest ?? '').type).toBe('serial-request');
    expect(present).toMatchObject({ signKeyId: keys[1].keyId, apiKeyName: 'first' });
  });
});
