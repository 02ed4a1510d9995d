/** What the sweep does with promises of serials that nobody kept, on a database file and a SoftHSM token. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicKeyFromRsa, text, type PublicKey } from '../../src/assertions/index.ts';
import {
  findSigningKey,
  removeSigningKey,
  type ClosedReason,
} from '../../src/storage/model-service/index.ts';
import { parseHsmKeyId } from '../../src/hsm/index.ts';
import { createLog } from '../../src/telemetry/index.ts';
import type { Device } from '../support/device.ts';
import { openEnrolment, type TestEnrolment } from '../support/enrolment.ts';

let enrolment: TestEnrolment;
/** Whether batches are signed; else every promise waits for the sweep. */
let signs = false;

/** Keys that are not on the token for now. */
const missing = new Set<string>();

/** What the log says of the signing. */
const warnings: unknown[] = [];

beforeAll(async () => {
  enrolment = await openEnrolment({
    smallKeys: 12,
    before: (hsm) => ({
      sign: (id, digest) => hsm.sign(id, digest),
      findKey: async (id) => {
        const found = await hsm.findKey(id);
        return found && missing.has(publicKeyFromRsa(found).keyId) ? undefined : found;
      },
    }),
    log: createLog('warn', { write: (line: string) => void warnings.push(JSON.parse(line)) }),
    provisioner: {
      runBatch: async (intents) => {
        if (signs) await enrolment.rig.activities.signSerials({ batch: 'test', intents });
      },
    },
  });
});

afterAll(() => enrolment.close());

/** Lets every promise of now be one that nobody kept in time. */
async function sweepLater() {
  enrolment.rig.setClock(new Date(Date.now() + 120_000));
  const outcome = await enrolment.rig.activities.sweepSerials();
  enrolment.rig.setClock(null);
  return outcome;
}

async function signed<Result>(work: () => Promise<Result>): Promise<Result> {
  signs = true;
  return work().finally(() => (signs = false));
}

/** A device of a model of its own with a promise by a key of its own that was not kept. */
async function promised(name: string): Promise<{ device: Device; key: PublicKey; model: string }> {
  const { rig, modelWith, outcome } = enrolment;
  const key = await rig.addKey(`key-of-${name}`);
  const model = await modelWith(name);
  await rig.addPolicy(name, key);
  const device = await rig.device(model, { proposedSerial: 'S-1' });
  expect(await outcome(device)).toBe('202 later');
  return { device, key, model: name };
}

async function revoke(key: PublicKey): Promise<void> {
  const { rig } = enrolment;
  const headers = { until: '2024-01-01T00:00:00Z', revision: '1' };
  await rig.addAssertions([await rig.chain.accountKey(key, 'revoked', headers)]);
}

async function forget(key: PublicKey): Promise<void> {
  const { queries } = enrolment.rig.database;
  const row = await findSigningKey(queries, key.keyId);
  await removeSigningKey(queries, row?.hsmKeyId ?? '');
}

async function historyOf(model: string) {
  return (await enrolment.admin(200, 'GET', `/model/${model}/serial-history`)).items;
}

const NOTHING = { signed: 0, refused: 0 };

describe('a promise whose key can sign', () => {
  it('is kept by the sweep', async () => {
    const { device } = await promised('model-kept');
    expect(await sweepLater()).toEqual({ signed: 1, refused: 0 });
    expect(await enrolment.outcome(device)).toBe('S-1');
  });
});

describe('a promise whose key cannot sign any more', () => {
  it.each<[string, ClosedReason, (key: PublicKey) => Promise<void>]>([
    ['was revoked', 'key-revoked', revoke],
    ['is not here any more', 'key-deleted', forget],
  ])('because it %s is closed once, with the reason', async (_, reason, end) => {
    const { device, key, model } = await promised(`model-${reason}`);
    await end(key);
    expect(await sweepLater()).toEqual({ signed: 0, refused: 1 });
    expect(await sweepLater()).toEqual(NOTHING);
    expect(await historyOf(model)).toMatchObject([{ serial: 'S-1', reason, 'serial-assertion': null }]);
    expect(await enrolment.lastAct()).toMatchObject({
      act: 'serial.close',
      subject: `${enrolment.rig.chain.brandId}/${model}/S-1`,
      details: { reason, key: key.keyId },
    });
    // The device asks again, under a policy that has a key.
    await enrolment.rig.addPolicy(model, await enrolment.rig.addKey(`next-of-${reason}`));
    expect(await signed(() => enrolment.outcome(device))).toBe('S-1');
    expect(await sweepLater()).toEqual(NOTHING);
  });

  it('does not bind the service: its device is judged anew, and the number is free when that is refused', async () => {
    const { device, key } = await promised('model-judged');
    await revoke(key);
    await sweepLater();
    await enrolment.rig.addPolicy('model-judged', await enrolment.rig.addKey('next-of-judged'));
    await enrolment.admin(200, 'PUT', '/model/model-judged/enrolment', { mode: 'allow-list' });
    expect(await enrolment.outcome(device)).toBe('403 enrolment-not-listed');
    await enrolment.admin(200, 'PUT', '/model/model-judged/enrolment', { mode: 'open' });
    const other = await enrolment.rig.device(device.model, { proposedSerial: 'S-1' });
    expect(await signed(() => enrolment.outcome(other))).toBe('S-1');
    expect(await enrolment.outcome(device)).toBe('409 serial-in-use');
  });

  it('stands while the key is merely missing on its token and a policy names it', async () => {
    const { device, key, model } = await promised('model-mislaid');
    missing.add(key.keyId);
    for (const _ of [1, 2]) expect(await sweepLater()).toEqual({ signed: 0, refused: 1 });
    expect(await historyOf(model)).toEqual([]);
    missing.delete(key.keyId);
    expect(await sweepLater()).toEqual({ signed: 1, refused: 0 });
    expect(await enrolment.outcome(device)).toBe('S-1');
  });

  it.each(['before it was ever used', 'after it signed'])(
    'is told in one line for each key and batch, with key, token and way out: one that left %s',
    async (when) => {
      const { rig, modelWith, outcome } = enrolment;
      const name = `model-left-${when.split(' ', 1)[0] ?? ''}`;
      const key = await rig.addKey(`key-of-${name}`);
      const model = await modelWith(name);
      await rig.addPolicy(name, key);
      const first = await rig.device(model, { proposedSerial: 'S-0' });
      if (when === 'after it signed') expect(await signed(() => outcome(first))).toBe('S-0');
      const row = await findSigningKey(rig.database.queries, key.keyId);
      await rig.hsm.deleteKey(parseHsmKeyId(row?.hsmKeyId ?? ''));
      for (const serial of ['S-1', 'S-2'])
        expect(await outcome(await rig.device(model, { proposedSerial: serial }))).toBe('202 later');
      warnings.length = 0;
      expect(await sweepLater()).toEqual({ signed: 0, refused: 2 });
      expect(warnings).toEqual([
        expect.objectContaining({
          level: 'warn',
          key: key.keyId,
          hsm: 'default',
          batch: expect.stringContaining('sweep-'),
          serials: 2,
          msg: `cannot sign with key ${key.keyId}: it is not on the HSM token "default"; bring back the token that holds it, or put another key in the serial policies that name it`,
        }),
      ]);
      expect(await historyOf(name)).toEqual([]);
      // The other way out: with another key in the policy, nothing waits for this one any more.
      await rig.addPolicy(name, enrolment.key);
      expect(await sweepLater()).toEqual({ signed: 0, refused: 2 });
      expect(await sweepLater()).toEqual(NOTHING);
    },
  );

  it('is not made where the constraints of the key do not allow just this serial', async () => {
    const { rig, modelWith, outcome } = enrolment;
    const constraints = [{ headers: { type: 'serial', serial: 'A-.*' } }];
    const key = await rig.addKey('bounded', { constraints });
    const model = await modelWith('model-bounded');
    await rig.addPolicy('model-bounded', key);
    const other = await rig.device(model, { proposedSerial: 'B-1' });
    expect(await signed(() => outcome(other))).toBe('409 signing-key-constrained');
    const own = await rig.device(model, { proposedSerial: 'A-1' });
    expect(await signed(() => outcome(own))).toBe('A-1');
    expect(await sweepLater()).toEqual(NOTHING);
  });

  it.each(['modle', 'revision'])(
    'is not made where they speak of a header that serials do not have, such as %s',
    async (header) => {
      const { rig, modelWith, outcome } = enrolment;
      const key = await rig.addKey(`of-${header}`, {
        constraints: [{ headers: { type: 'serial', [header]: '.*' } }],
      });
      const model = await modelWith(`model-of-${header}`);
      await rig.addPolicy(`model-of-${header}`, key);
      const device = await rig.device(model, { proposedSerial: 'S-1' });
      expect(await signed(() => outcome(device))).toBe('409 signing-key-constrained');
    },
  );

  it('leaves a device a permission that came before it asked again', async () => {
    const { rig, modelWith, outcome } = enrolment;
    const first = await rig.addKey('first-of-permitted');
    const model = await modelWith('model-permitted');
    await rig.addPolicy('model-permitted', first);
    const holder = await rig.device(model, { proposedSerial: 'S-1' });
    expect(await signed(() => outcome(holder))).toBe('S-1');
    const board = await rig.device(model, { proposedSerial: 'S-2' });
    expect(await outcome(board)).toBe('202 later');
    await revoke(first);
    await sweepLater();
    await rig.addPolicy('model-permitted', await rig.addKey('next-of-permitted'));
    const permit = { serial: 'S-1', 'device-key-sha3-384': board.signer.publicKey.keyId, reason: 'broken' };
    await enrolment.admin(201, 'POST', '/model/model-permitted/replacements', permit);
    expect(await signed(() => outcome(board))).toBe('S-1');
  });

  it('leaves a device the right to its next revision', async () => {
    const { rig, ask, modelWith, outcome } = enrolment;
    const [first, second, third] = await Promise.all(['r-1', 'r-2', 'r-3'].map((name) => rig.addKey(name)));
    if (!first || !second || !third) throw new Error('no keys');
    const model = await modelWith('model-renewed');
    await rig.addPolicy('model-renewed', first);
    const device = await rig.device(model, { proposedSerial: 'S-9' });
    expect(await signed(() => outcome(device))).toBe('S-9');
    await revoke(first);
    await rig.addPolicy('model-renewed', second);
    expect(await outcome(device)).toBe('202 later');
    await revoke(second);
    expect(await sweepLater()).toEqual({ signed: 0, refused: 1 });
    expect(await outcome(device)).toBe('409 signing-key-revoked');
    await rig.addPolicy('model-renewed', third);
    const { serial } = await signed(() => ask(device));
    expect([serial && text(serial, 'serial'), serial?.revision, serial?.signKeyId]).toEqual([
      'S-9',
      1,
      third.keyId,
    ]);
  });
});
