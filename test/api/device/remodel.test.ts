import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatTimestamp, signAssertion, text, type Assertion } from '../../../src/assertions/index.ts';
import { newSigner } from '../../support/brand-chain.ts';
import type { Device } from '../../support/device.ts';
import { openEnrolment, type Asking, type TestEnrolment } from '../../support/enrolment.ts';

let enrolment: TestEnrolment;

beforeAll(async () => {
  enrolment = await openEnrolment();
  await enrolment.admin(201, 'POST', '/remodel-allowlist', {
    allowlist: [{ 'from-model': 'some', 'to-model': 'others', 'from-serial': null }],
  });
});

afterAll(async () => {
  expect(enrolment.rig.reported).toEqual([]);
  await enrolment.close();
});

/** A device with a serial of one model, and how it asks for one of the next. */
async function registered(name: string, proposedSerial = 'S-1') {
  const { rig, modelWith, ask, admin } = enrolment;
  const from = await modelWith(`${name}-from`);
  const to = await modelWith(`${name}-to`);
  const device = await rig.device(from, { proposedSerial });
  const { serial: former } = await ask(device);
  if (former === undefined) throw new Error('the device has no serial');
  const allow = (fromSerial: string | null = null) =>
    admin(201, 'POST', '/remodel-allowlist', {
      allowlist: [{ 'from-model': `${name}-from`, 'to-model': `${name}-to`, 'from-serial': fromSerial }],
    });
  return { device, from, to, former, allow };
}

/** The request of a device that remodels, as snapd makes it: with the former serial. */
function remodelling(to: Assertion, former: Assertion): Asking {
  return {
    model: to,
    more: [former],
    extra: {
      model: text(to, 'model'),
      'original-brand-id': text(former, 'brand-id'),
      'original-model': text(former, 'model'),
      'original-serial': text(former, 'serial'),
    },
  };
}

/** The request of the same device that does not say what it was. */
const silent = (to: Assertion): Asking => ({ model: to, extra: { model: text(to, 'model') } });

describe('a device key that has a serial, of a brand that says who may remodel,', () => {
  it('gets one of another model by remodelling alone: not by leaving out what it was', async () => {
    const { outcome, rig } = enrolment;
    const { device, to, former, allow } = await registered('silent');
    expect(await outcome(device, silent(to))).toBe('403 remodel-required');
    expect(await outcome(device, remodelling(to, former))).toBe('403 remodel-not-allowed');
    await allow();
    expect(await outcome(device, silent(to))).toBe('403 remodel-required');
    expect(await outcome(device, remodelling(to, former))).toBe('S-1');
    // Now it has one, and may ask for it either way.
    expect(await outcome(device, silent(to))).toBe('S-1');
    const rows = await rig.database.queries
      .selectFrom('SerialIntent')
      .select('modelName')
      .where('deviceKeyId', '=', device.signer.publicKey.keyId)
      .execute();
    expect(rows.map(({ modelName }) => modelName).toSorted()).toEqual(['silent-from', 'silent-to']);
  });

  it('gets one identity when it asks for two models in the same moment', async () => {
    const { outcome } = enrolment;
    const { from, to } = await registered('race');
    const device = await enrolment.rig.device(from);
    const outcomes = await Promise.all([outcome(device), outcome(device, silent(to))]);
    expect(outcomes.filter((one) => one === '403 remodel-required')).toHaveLength(1);
  });

  it('may have a serial of another brand’s model, which is none of this brand’s business', async () => {
    const { outcome, rig } = enrolment;
    const { device, to } = await registered('brands');
    await rig.database.queries
      .updateTable('SerialIntent')
      .set({ brandId: 'another-brand' })
      .where('deviceKeyId', '=', device.signer.publicKey.keyId)
      .execute();
    expect(await outcome(device, silent(to))).toBe('S-1');
  });
});

describe('a brand that has no remodel rules', () => {
  it('takes each model by itself', async () => {
    const { outcome, admin } = enrolment;
    const { device, to } = await registered('plain');
    const { allowlist } = await admin(200, 'GET', '/remodel-allowlist');
    await admin(204, 'POST', '/remodel-allowlist/delete', { allowlist });
    expect(await outcome(device, silent(to))).toBe('S-1');
    await admin(201, 'POST', '/remodel-allowlist', { allowlist });
  });
});

describe('a remodelling', () => {
  it('may be allowed to single serials', async () => {
    const { outcome } = enrolment;
    const { device, to, former, allow } = await registered('single', 'S-7');
    await allow('S-8');
    expect(await outcome(device, remodelling(to, former))).toBe('403 remodel-not-allowed');
    await allow('S-7');
    expect(await outcome(device, remodelling(to, former))).toBe('S-7');
  });

  it.each([
    ['serial', (name: string) => `${name}-from/S-1`, 'device-blocked'],
    ['model', (name: string) => `${name}-from`, 'model-blocked'],
    ['device-key', (_: string, device: Device) => device.signer.publicKey.keyId, 'device-key-blocked'],
  ] as const)('is no way out of a block on the former %s', async (kind, subjectOf, code) => {
    const { outcome, admin } = enrolment;
    const name = `out-of-${kind}`;
    const { device, to, former, allow } = await registered(name);
    await allow();
    const block = { kind, subject: subjectOf(name, device) };
    await admin(201, 'POST', '/blocks', block);
    expect(await outcome(device, remodelling(to, former))).toBe(`403 ${code}`);
    expect(await outcome(device, silent(to))).toBe(`403 ${code}`);
    await admin(204, 'POST', '/blocks/delete', block);
    expect(await outcome(device, remodelling(to, former))).toBe('S-1');
    // A remodelling that is done is not repeated for a device that is blocked since.
    await admin(201, 'POST', '/blocks', block);
    expect(await outcome(device, remodelling(to, former))).toBe(`403 ${code}`);
    await admin(204, 'POST', '/blocks/delete', block);
  });

  it('is no way out of a block on a model before the former one', async () => {
    const { outcome, admin, ask, modelWith } = enrolment;
    const { device, to, former, allow } = await registered('chain');
    await allow();
    const { serial: second } = await ask(device, remodelling(to, former));
    const third = await modelWith('chain-third');
    await admin(201, 'POST', '/remodel-allowlist', {
      allowlist: [{ 'from-model': 'chain-to', 'to-model': 'chain-third', 'from-serial': null }],
    });
    await admin(201, 'POST', '/blocks', { kind: 'serial', subject: 'chain-from/S-1' });
    if (second === undefined) throw new Error('the device was not remodelled');
    expect(await outcome(device, remodelling(third, second))).toBe('403 device-blocked');
  });

  it('is refused with a former serial that nobody trusted signed, or of another brand', async () => {
    const { ask, rig } = enrolment;
    const { device, to, former } = await registered('foreign');
    const forged = await serialBy(newSigner(), { ...former.headers, 'sign-key-sha3-384': '' });
    expect(await ask(device, remodelling(to, forged))).toMatchObject({
      status: 403,
      code: 'remodel-serial-untrusted',
      message: expect.stringMatching(/^cannot trust the former serial: /),
    });

    const signer = newSigner();
    await rig.addAssertions([
      await rig.chain.account('other-brand'),
      await rig.chain.accountKey(signer.publicKey, 'serials', { 'account-id': 'other-brand' }),
    ]);
    const headers = { ...former.headers, 'brand-id': 'other-brand', 'authority-id': 'other-brand' };
    const foreign = await serialBy(signer, headers);
    expect(await ask(device, remodelling(to, foreign))).toMatchObject({
      status: 403,
      code: 'remodel-foreign-brand',
      message: 'cannot remodel a device of another brand: register it anew',
    });
  });
});

async function serialBy(
  signer: ReturnType<typeof newSigner>,
  headers: Assertion['headers'],
): Promise<Assertion> {
  const now = new Date();
  const timestamp = formatTimestamp(now);
  const { 'sign-key-sha3-384': _, type: __, ...others } = headers;
  return signAssertion({ type: 'serial', headers: { ...others, timestamp } }, signer, now);
}
