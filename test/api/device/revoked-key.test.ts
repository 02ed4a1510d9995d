import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text, type Assertion, type PublicKey } from '../../../src/assertions/index.ts';
import { countSignatures } from '../../../src/storage/model-service/index.ts';
import { openEnrolment, type TestEnrolment } from '../../support/enrolment.ts';

let enrolment: TestEnrolment;
let next: PublicKey;

beforeAll(async () => {
  enrolment = await openEnrolment({ smallKeys: 3 });
  next = await enrolment.rig.addKey('serials-next');
});

afterAll(async () => {
  expect(enrolment.rig.reported).toEqual([]);
  await enrolment.close();
});

/** A new revision of a key's account-key, as an operator pushes it. */
async function push(key: PublicKey, headers: Record<string, string>): Promise<void> {
  const { rig } = enrolment;
  await rig.addAssertions([await rig.chain.accountKey(key, 'serials', headers)]);
}

const REVOKED = { until: '2024-01-01T00:00:00Z', revision: '1' };

describe('a device whose serial was signed by a key that is revoked', () => {
  it('gets the same serial as the next revision, by the key in force, once', async () => {
    const { rig, key, modelWith, ask, outcome, admin, lastAct } = enrolment;
    const model = await modelWith('model-revoked');
    const device = await rig.device(model, { proposedSerial: 'K-1', registrationBody: 'mac: 00\n' });
    const first = await device.requestSerial();
    expect((await ask(device)).serial?.bytes).toEqual(first.bytes);

    await push(key, REVOKED);
    // There is no key in force yet: better a sentence than a serial that the device refuses.
    expect(await outcome(device)).toBe('409 signing-key-revoked');
    await rig.addPolicy('model-revoked', next);

    const requests = await Promise.all(Array.from({ length: 8 }, () => ask(device)));
    const renewed = await device.requestSerial();
    expect(text(renewed, 'serial')).toBe('K-1');
    expect(renewed.signKeyId).toBe(next.keyId);
    expect([first.revision, renewed.revision]).toEqual([0, 1]);
    expect(Buffer.from(renewed.body)).toEqual(Buffer.from(first.body));
    const others = requests.flatMap(({ serial }: { serial: Assertion | undefined }) => serial ?? []);
    expect(others).toHaveLength(8);
    for (const serial of others) expect(serial.bytes).toEqual(renewed.bytes);

    const { items } = await admin(200, 'GET', '/model/model-revoked/serial-history?serial=K-1');
    expect(items).toMatchObject([
      { reason: 'key-revoked', 'serial-assertion': Buffer.from(first.bytes).toString() },
    ]);
    expect(await lastAct()).toMatchObject({
      act: 'serial.renew',
      subject: `${rig.chain.brandId}/model-revoked/K-1`,
    });
    expect(await countSignatures(rig.database.queries, key.keyId)).toBe(1);
    expect(await countSignatures(rig.database.queries, next.keyId)).toBe(1);
  });
});

describe('a device whose serial was signed by a key that ended before, as its owner says since', () => {
  it('gets the next revision too: devices refuse what a key signed outside of its time', async () => {
    const { rig, modelWith, ask, outcome, admin } = enrolment;
    const late = await rig.addKey('serials-late');
    const model = await modelWith('model-late');
    await rig.addPolicy('model-late', late);
    const device = await rig.device(model, { proposedSerial: 'K-2' });
    const first = await device.requestSerial();
    const signed = text(first, 'timestamp');
    // A key is good until, and not at, its end.
    await push(late, { until: signed, revision: '1' });
    expect(await outcome(device)).toBe('409 signing-key-expired');
    await rig.addPolicy('model-late', next);
    expect(await outcome(device)).toBe('K-2');
    const { serial } = await ask(device);
    expect([serial?.signKeyId, serial?.revision]).toEqual([next.keyId, 1]);
    const { items } = await admin(200, 'GET', '/model/model-late/serial-history?serial=K-2');
    expect(items).toMatchObject([
      { reason: 'key-expired', 'serial-assertion': Buffer.from(first.bytes).toString() },
    ]);
  });
});

describe('a device whose serial was signed by a key that ended meanwhile', () => {
  it('keeps it: what a key signed in its time stays good', async () => {
    const { rig, modelWith, ask } = enrolment;
    const model = await modelWith('model-ended');
    await rig.addPolicy('model-ended', next);
    const device = await rig.device(model);
    const { serial } = await ask(device);
    await push(next, {
      until: new Date(Date.now() + 60_000).toISOString().slice(0, 19) + 'Z',
      revision: '1',
    });
    rig.setClock(new Date(Date.now() + 120_000));
    expect((await ask(device)).serial?.bytes).toEqual(serial?.bytes);
    rig.setClock(null);
  });
});
