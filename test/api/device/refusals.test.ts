import { createSign, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text, type Assertion } from '../../../src/assertions/index.ts';
import { hardwareKeyId } from '../../../src/devices/index.ts';
import { addVoucher } from '../../../src/storage/model-service/index.ts';
import { newSigner } from '../../support/brand-chain.ts';
import type { Device } from '../../support/device.ts';
import { openEnrolment, type Asking, type TestEnrolment } from '../../support/enrolment.ts';

let enrolment: TestEnrolment;

beforeAll(async () => {
  enrolment = await openEnrolment({ smallKeys: 2 });
});

afterAll(() => enrolment.close());

/** A device of a model of its own, and how it asks. */
type Arranged = readonly [Device, Asking?];

let models = 0;

async function deviceOf(policy: Record<string, unknown> = {}): Promise<Device> {
  models += 1;
  const model = await enrolment.modelWith(`model-${String(models)}`, policy);
  return enrolment.rig.device(model);
}

/** A serial-request that says of itself that another key than the device's signed it. */
async function signedByAnother(device: Device): Promise<Assertion> {
  const request = await device.serialRequest(await device.requestId());
  const written = Buffer.from(request.bytes).toString();
  const bytes = Buffer.from(written.replace(request.signKeyId, newSigner().publicKey.keyId));
  return { ...request, bytes };
}

const hardware = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A device that must prove its hardware, and the body that it sends; `vouch` has the brand accept that hardware. */
async function provingDevice(
  body: (requestId: string) => Record<string, unknown> | undefined,
  vouch: { usedBy: string | null } | false,
): Promise<Arranged> {
  const { rig } = enrolment;
  const device = await deviceOf({ 'hardware-identity': 'required' });
  const { queries } = rig.database;
  await queries.deleteFrom('Voucher').execute();
  if (vouch !== false) {
    await addVoucher(queries, rig.chain.brandId, {
      hardwareKeyId: hardwareKeyId(publicKey),
      issuerId: 'maker',
      hardwareId: 'hw-1',
      hardwareName: 'hw',
      publicKey,
      importedAt: new Date().toISOString(),
      importedBy: 'admin',
    });
    await queries.updateTable('Voucher').set(vouch).execute();
  }
  const requestId = await device.requestId();
  const sent = body(requestId);
  const request = await device.serialRequest(requestId, {}, sent && JSON.stringify(sent));
  return [device, { request }];
}

const pem = hardware.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const publicKey = pem.split('\n').slice(1, -2).join('\n');
const proof = (signed: string) => ({
  'hardware-id-key-sha384': hardwareKeyId(publicKey),
  'request-id-signature': createSign('sha256').update(signed).sign(hardware.privateKey).toString('base64'),
});

const CASES: readonly [code: string, status: number, sentence: RegExp, arrange: () => Promise<Arranged>][] = [
  [
    'model-series',
    400,
    /^cannot accept the model: only series 16 is known$/,
    async () => {
      const device = await deviceOf();
      const model = await enrolment.rig.chain.model(text(device.model, 'model'), { series: '18' });
      return [device, { model }];
    },
  ],
  [
    'request-unreadable',
    400,
    /^cannot read the serial-request: .*"device-key" header is not the key that signed$/,
    async () => {
      const device = await deviceOf();
      return [device, { request: await signedByAnother(device) }];
    },
  ],
  [
    'serial-required',
    400,
    /^cannot choose a serial number: devices of this model propose theirs; set registration\.proposed-serial/,
    async () => [await deviceOf({ serials: 'proposed' })],
  ],
  [
    'serial-list-empty',
    409,
    /^cannot choose a serial number: the allow-list of this model has none that is free for this device$/,
    async () => [await deviceOf({ serials: 'allow-list' })],
  ],
  [
    'enrolment-queue-full',
    503,
    /^cannot enrol now: too many devices of this model wait for an admin$/,
    async () => {
      const device = await deviceOf({ mode: 'approval' });
      await fillQueue(text(device.model, 'model'), 10_000);
      return [device];
    },
  ],
  [
    'enrolment-webhook-unavailable',
    503,
    /^cannot enrol now: the brand's decision service /,
    // Nobody listens on that port.
    async () => [await deviceOf({ mode: 'webhook', 'webhook-url': 'http://127.0.0.1:9/decide' })],
  ],
  [
    'hardware-identity-missing',
    403,
    /^cannot enrol: devices of this model prove their hardware identity in the registration body$/,
    () => provingDevice(() => undefined, { usedBy: null }),
  ],
  [
    'hardware-identity-malformed',
    400,
    /^cannot read the hardware identity in the registration body: both fields are needed$/,
    () => provingDevice(() => ({ 'hardware-id-key-sha384': 'x' }), { usedBy: null }),
  ],
  [
    'hardware-identity-unknown',
    403,
    /^cannot accept the hardware identity: no voucher of it was imported$/,
    () => provingDevice(proof, false),
  ],
  [
    'hardware-identity-signature',
    403,
    /^cannot accept the hardware identity: its key did not sign this request-id$/,
    () => provingDevice(() => proof('another request-id'), { usedBy: null }),
  ],
  [
    'hardware-identity-in-use',
    409,
    /^cannot accept the hardware identity: another device key proved it before$/,
    () => provingDevice(proof, { usedBy: 'd'.repeat(64) }),
  ],
];

async function fillQueue(modelName: string, count: number): Promise<void> {
  const { rig } = enrolment;
  const at = new Date().toISOString();
  for (let done = 0; done < count; done += 500) {
    await rig.database.queries
      .insertInto('EnrolmentRequest')
      .values(
        Array.from({ length: 500 }, (_, index) => ({
          brandId: rig.chain.brandId,
          modelName,
          deviceKeyId: `device-${String(done + index)}`,
          proposedSerial: null,
          state: 'pending',
          sourceAddress: null,
          firstSeenAt: at,
          lastSeenAt: at,
          decidedAt: null,
          decidedBy: null,
        })),
      )
      .execute();
  }
}

describe('a device that is refused', () => {
  it.each(CASES)(
    'learns %s, with status %i, in words that snapd shows',
    async (code, status, sentence, arrange) => {
      const { rig, ask } = enrolment;
      const [device, asking] = await arrange();
      const answer = await ask(device, asking);
      expect(answer).toEqual({
        status,
        code,
        message: expect.stringMatching(sentence),
        type: 'application/json',
        serial: undefined,
      });
      const promised = await rig.database.queries
        .selectFrom('SerialIntent')
        .select('id')
        .where('deviceKeyId', '=', device.signer.publicKey.keyId)
        .execute();
      expect(promised).toEqual([]);
    },
  );
});

describe('a serial policy', () => {
  it('is refused with a key whose account-key is of another account', async () => {
    const { rig, admin } = enrolment;
    const foreign = await rig.addKey('foreign', { 'account-id': 'someone-else' });
    const device = await deviceOf();
    const path = `/model/${text(device.model, 'model')}/serial_policy`;
    const before = await admin(200, 'GET', path);
    const { keyId } = foreign;
    expect(await admin(409, 'POST', path, { 'signing-key-sha3-384': keyId })).toEqual({
      'error-list': [
        {
          code: 'signing-key-foreign',
          message: `cannot sign with key ${keyId} for account ${rig.chain.brandId}: its account-key is of account someone-else`,
        },
      ],
    });
    expect(await admin(200, 'GET', path)).toEqual(before);
  });
});

describe('an enrolment policy', () => {
  it.each<[Record<string, unknown>, RegExp]>([
    [{ mode: 'closed' }, /^cannot use the enrolment policy: mode: /],
    [{ mode: 'webhook' }, /^cannot use the enrolment policy: mode "webhook" needs a webhook-url$/],
    [
      { networks: ['10.0.0.0/33'] },
      /^cannot use the enrolment policy: networks\.0: write an address or a range/,
    ],
    [{ quota: -1 }, /^cannot use the enrolment policy: quota: /],
    [{ quotas: 1 }, /^cannot use the enrolment policy: there is no field "quotas"/],
  ])('such as %j is malformed, and the one before stays', async (policy, sentence) => {
    const device = await deviceOf({ quota: 3 });
    const path = `/model/${text(device.model, 'model')}/enrolment`;
    const refusal = await enrolment.admin(400, 'PUT', path, policy);
    expect(refusal).toEqual({
      'error-list': [{ code: 'enrolment-policy-malformed', message: expect.stringMatching(sentence) }],
    });
    expect((await enrolment.admin(200, 'GET', path)).quota).toBe(3);
  });
});
