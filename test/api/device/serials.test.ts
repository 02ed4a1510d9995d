import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeStream,
  encodeStream,
  formatTimestamp,
  signAssertion,
  text,
  type Assertion,
  type PublicKey,
} from '../../../src/assertions/index.ts';
import { addBlock, listSerialLog, removeBlock } from '../../../src/storage/model-service/index.ts';
import { listActs } from '../../../src/storage/index.ts';
import { DeviceError, type Device } from '../../support/device.ts';
import { newSigner } from '../../support/brand-chain.ts';
import { send } from '../../support/device-http.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';

let folder: string;
let rig: TestModelService;
let key: PublicKey;
let model: Assertion;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-serials-'));
  rig = await openModelService({ folder, smallKeys: 6, servicePrefixes: ['/vault/v1'] });
  key = await rig.addKey('serials');
  model = await rig.chain.model('model-a');
  await rig.addModel('model-a', { apiKey: 'api-key-of-model-a', key });
});

afterAll(async () => {
  expect(rig.reported).toEqual([]);
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

/** What a device is told when it is refused. */
async function refusalOf(work: Promise<unknown>): Promise<DeviceError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DeviceError);
  if (!(error instanceof DeviceError)) throw new Error('the request was not refused');
  return error;
}

/** Posts any stream and gives status, code and content type. */
async function post(
  stream: Uint8Array,
  headers: Record<string, string> = { 'api-key': 'api-key-of-model-a' },
) {
  const reply = await fetch(`${rig.server.url}/api/v1/snaps/auth/devices`, {
    method: 'POST',
    headers,
    body: Buffer.from(stream),
  });
  const body = await reply.text();
  const [error] = reply.ok ? [] : JSON.parse(body).error_list;
  const { code = '', message = '' } = error ?? {};
  return { status: reply.status, code, message, type: reply.headers.get('content-type'), body };
}

async function signedBy(device: Device, extra: Record<string, string> = {}): Promise<Assertion> {
  return device.serialRequest(await device.requestId(), extra);
}

describe('a device of a known model', () => {
  it('gets a serial that it can verify down to the root, signed on the HSM', async () => {
    const device = await rig.device(model, { proposedSerial: 'S-0001', registrationBody: 'mac: 00:11:22\n' });
    const serial = await device.requestSerial();
    expect(text(serial, 'serial')).toBe('S-0001');
    expect(text(serial, 'authority-id')).toBe(rig.chain.brandId);
    expect(serial.signKeyId).toBe(key.keyId);
    expect(Buffer.from(serial.body).toString()).toBe('mac: 00:11:22\n');
  });

  it('gets the serial first in its stream, then the account-key and account that lead to the root, and not the root', async () => {
    const device = await rig.device(model);
    const { body, type } = await post(encodeStream([await signedBy(device), model]));
    const stream = decodeStream(body);
    expect(type).toBe('application/x.ubuntu.assertion');
    expect(stream.map((one) => `${one.type} ${one.primaryKey.at(0) ?? ''}`)).toEqual([
      `serial ${rig.chain.brandId}`,
      `account-key ${key.keyId}`,
      `account ${rig.chain.brandId}`,
    ]);
  });

  it('gets a serial made from its key when it proposes none, and the same one from any service', async () => {
    const device = await rig.device(model);
    const serial = text(await device.requestSerial(), 'serial');
    expect(serial).toMatch(/^[0-9a-z]{5}(?:-[0-9a-z]{5}){3}$/);
  });

  it('gets the same serial, byte for byte, when it asks again with the same or a new request-id', async () => {
    const device = await rig.device(model);
    const request = await signedBy(device);
    const first = await device.postSerialRequest(request);
    const replay = await device.postSerialRequest(request);
    const renewed = await device.postSerialRequest(await signedBy(device));
    if (!first.ready || !replay.ready || !renewed.ready) throw new Error('the serial was not ready');
    expect(replay.serial.bytes).toEqual(first.serial.bytes);
    expect(renewed.serial.bytes).toEqual(first.serial.bytes);
  });

  it('gets one serial from many requests at once', async () => {
    const device = await rig.device(model);
    const requests = await Promise.all(Array.from({ length: 12 }, () => signedBy(device)));
    const outcomes = await Promise.all(requests.map((request) => device.postSerialRequest(request)));
    const serials = new Set(
      outcomes.map((one) => (one.ready ? Buffer.from(one.serial.bytes).toString() : '')),
    );
    expect(serials.size).toBe(1);
    const log = await listSerialLog(rig.database.queries, {
      brandId: rig.chain.brandId,
      modelName: 'model-a',
      serial: text(device.serial ?? model, 'serial'),
      limit: 10,
    });
    expect(log).toHaveLength(1);
  });

  it('may ask directly, as Serial Vault offers it, under either prefix', async () => {
    for (const service of [`${rig.server.url}/v1/`, `${rig.server.url}/vault/v1/`]) {
      const device = await rig.device(model, { service });
      await expect(device.requestSerial()).resolves.toMatchObject({ type: 'serial' });
    }
    const reply = await fetch(`${rig.server.url}/v1/request-id`, { method: 'POST' });
    expect(await reply.json()).toMatchObject({ success: true, message: '' });
  });
});

describe('a request by another method', () => {
  it.each(['/api/v1/snaps/auth/request-id', '/api/v1/snaps/auth/devices', '/v1/request-id', '/v1/serial'])(
    'to %s is told which one there is, in the envelope that devices read',
    async (path) => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const reply = await send(`${rig.server.url}${path}`, { method });
        expect([reply.status, reply.headers.get('allow'), reply.headers.get('content-type')]).toEqual([
          405,
          'POST',
          'application/json',
        ]);
        const message = 'cannot do that at this address: use POST';
        expect(await reply.json()).toEqual({
          message,
          error_list: [{ code: 'method-not-allowed', message }],
        });
      }
      const below = await send(`${rig.server.url}${path}/more`, { method: 'POST' });
      expect([below.status, below.headers.get('content-type')]).toEqual([404, 'application/json']);
      expect(await below.json()).toMatchObject({ error_list: [{ code: 'resource-not-found' }] });
    },
  );
});

describe('a request that does not hold', () => {
  it('is told the API key that it lacks, or that it is wrong', async () => {
    const device = await rig.device(model);
    const stream = encodeStream([await signedBy(device), model]);
    expect(await post(stream, {})).toMatchObject({
      status: 403,
      code: 'api-key-missing',
      message:
        'cannot accept a request without an API key: set the "api-key" header of the gadget\'s device-service.headers',
      type: 'application/json',
    });
    expect(await post(stream, { 'api-key': 'another' })).toMatchObject({
      status: 403,
      code: 'api-key-wrong',
      message: 'cannot accept the API key: it is not one of this model',
    });
  });

  it('is told that the model is unknown here, or not signed by anyone trusted', async () => {
    const stranger = await rig.chain.model('model-nobody-made');
    const device = await rig.device(stranger);
    expect(await post(encodeStream([await signedBy(device), stranger]))).toMatchObject({
      status: 404,
      code: 'model-unknown',
      message: `cannot serve model "model-nobody-made" of brand ${rig.chain.brandId}: the Model Service has no such model; create it`,
    });
    const forged = await signAssertion(
      { type: 'model', headers: { ...model.headers, 'sign-key-sha3-384': '' } },
      newSigner(),
      new Date('2024-01-01T00:00:00Z'),
    );
    expect(await post(encodeStream([await signedBy(await rig.device(forged)), forged]))).toMatchObject({
      status: 403,
      code: 'model-untrusted',
    });
  });

  it('is told that its model assertion is another one', async () => {
    const device = await rig.device(model);
    const other = await rig.chain.model('model-b');
    expect(await post(encodeStream([await signedBy(device), other]))).toMatchObject({
      status: 400,
      code: 'model-mismatch',
      message: `cannot accept the request: it names "${rig.chain.brandId}/model-a" and comes with another model assertion; send the one that it names`,
    });
  });

  it('is told that its request was tampered with', async () => {
    const device = await rig.device(model, { proposedSerial: 'S-1000' });
    const genuine = Buffer.from(encodeStream([await signedBy(device), model])).toString();
    expect(await post(Buffer.from(genuine.replace('S-1000', 'S-1001')))).toMatchObject({
      status: 400,
      code: 'request-signature',
      message:
        'cannot accept the request: its signature does not match its device-key; sign it with that key',
    });
  });

  it('is told what is wrong with its shape', async () => {
    const device = await rig.device(model);
    const request = await signedBy(device);
    const cases: [code: string, message: string, stream: Uint8Array][] = [
      [
        'request-unreadable',
        'cannot read the serial-request: cannot read the assertion: it ends within its headers',
        Buffer.from('hello'),
      ],
      [
        'serial-request-missing',
        'cannot accept the stream: it has no serial-request assertion; send a serial-request and its model',
        encodeStream([model]),
      ],
      [
        'model-missing',
        'cannot accept the stream: it has no model assertion; send a serial-request and its model',
        encodeStream([request]),
      ],
      [
        'assertion-unexpected',
        'cannot accept the stream: it has more than one serial-request assertion; send one',
        encodeStream([request, request, model]),
      ],
      [
        'assertion-unexpected',
        'cannot accept the stream: it may hold a serial-request, its model and one former serial, nothing else',
        encodeStream([request, model, ...rig.chain.brand]),
      ],
    ];
    for (const [code, message, stream] of cases) {
      expect(await post(stream)).toMatchObject({ status: 400, code, message, type: 'application/json' });
    }
    expect(await post(Buffer.alloc(600 * 1024))).toMatchObject({
      status: 413,
      code: 'request-too-large',
      message:
        'cannot read the serial-request: it has more than 524288 bytes; send a shorter registration body or model',
    });
  });

  it('is told that its request-id is unknown, expired, or was spent by another device', async () => {
    const device = await rig.device(model);
    const made = async (requestId: string, by = device) =>
      encodeStream([await by.serialRequest(requestId), model]);
    expect(await post(await made('invented'))).toMatchObject({
      status: 400,
      code: 'request-id-unknown',
      message: 'cannot accept the request-id: it was not made by this service; ask for a new one',
    });
    rig.setClock(new Date('2026-01-01T00:00:00Z'));
    const old = await device.requestId();
    rig.setClock(new Date('2026-01-01T00:10:01Z'));
    expect(await post(await made(old))).toMatchObject({
      status: 400,
      code: 'request-id-expired',
      message: 'cannot accept the request-id: it expired at 2026-01-01T00:10:00.000Z; ask for a new one',
    });
    rig.setClock(null);
    const used = await device.requestId();
    expect((await post(await made(used))).status).toBe(200);
    const thief = await rig.device(model);
    expect(await post(await made(used, thief))).toMatchObject({
      status: 409,
      code: 'request-id-spent',
      message: 'cannot accept the request-id: another device used it; ask for a new one',
    });
  });

  it('is told that its key is too weak, or its serial number malformed', async () => {
    const weak = await rig.device(model, { keyBits: 1024 });
    expect(await post(encodeStream([await signedBy(weak), model]))).toMatchObject({
      code: 'device-key-weak',
      message: 'cannot accept a device key of 1024 bits: use at least 2048',
    });
    const odd = await rig.device(model, { proposedSerial: 'two words' });
    expect(await post(encodeStream([await signedBy(odd), model]))).toMatchObject({
      status: 400,
      code: 'proposed-serial-malformed',
      message:
        'cannot accept "two words" as a serial number: use at most 128 letters and digits, with single "-", ":" or "+" between them',
    });
  });

  it('is shown to a real device by its message', async () => {
    const device = await rig.device(model, { headers: { 'api-key': 'wrong' } });
    const refusal = await refusalOf(device.requestSerial());
    expect(refusal.reason).toBe('cannot accept the API key: it is not one of this model');
    expect(refusal.isTemporary).toBe(false);
  });
});

describe('a serial number', () => {
  it('is refused to another device key, and the attempt is logged', async () => {
    const first = await rig.device(model, { proposedSerial: 'TWIN-1' });
    await first.requestSerial();
    const second = await rig.device(model, { proposedSerial: 'TWIN-1' });
    const refusal = await refusalOf(second.requestSerial());
    expect(refusal.status).toBe(409);
    const [act] = await listActs(rig.database.queries, { limit: 1 });
    expect(act).toMatchObject({
      act: 'serial.refuse-duplicate',
      subject: `${rig.chain.brandId}/model-a/TWIN-1`,
    });
  });

  it('goes to one of two devices that claim it in the same moment', async () => {
    const twins = [
      await rig.device(model, { proposedSerial: 'TWIN-2' }),
      await rig.device(model, { proposedSerial: 'TWIN-2' }),
    ];
    const requests = await Promise.all(twins.map((device) => signedBy(device)));
    const outcomes = await Promise.all(requests.map((request) => post(encodeStream([request, model]))));
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  });
});

describe('a block', () => {
  it('counts from the next request on, and so does its end', async () => {
    const device = await rig.device(model, { proposedSerial: 'BLOCK-1' });
    await device.requestSerial();
    const ask = async () => post(encodeStream([await signedBy(device), model]));
    const kinds: [kind: string, subject: string, code: string, what: string][] = [
      ['serial', 'model-a/BLOCK-1', 'device-blocked', 'cannot serve this device: serial "BLOCK-1"'],
      [
        'device-key',
        device.signer.publicKey.keyId,
        'device-key-blocked',
        'cannot serve this device: its device key',
      ],
      ['model', 'model-a', 'model-blocked', 'cannot serve model "model-a": it'],
      ['api-key', 'model-a/first', 'api-key-blocked', 'cannot accept the API key: "first"'],
    ];
    for (const [kind, subject, code, what] of kinds) {
      const block = { kind, subject, brandId: rig.chain.brandId };
      await addBlock(rig.database.queries, {
        ...block,
        reason: '',
        createdAt: new Date().toISOString(),
        createdBy: 'admin',
      });
      const message = `${what} is blocked; ask the brand to lift the block`;
      expect(await ask()).toMatchObject({ status: 403, code, message });
      await removeBlock(rig.database.queries, block);
      expect((await ask()).status).toBe(200);
    }
  });
});

describe('a signing key', () => {
  it.each([
    [
      'unregistered',
      false,
      'signing-key-unregistered',
      'cannot sign with key KEY: its account-key is not here; register the key and push its account-key',
    ],
    [
      'expired',
      { until: '2024-06-01T00:00:00Z' },
      'signing-key-expired',
      'cannot sign with key KEY: it expired at 2024-06-01T00:00:00Z; put another key in the serial policy',
    ],
    [
      'revoked',
      { until: '2024-01-01T00:00:00Z' },
      'signing-key-revoked',
      'cannot sign with key KEY: it is revoked; put another key in the serial policy',
    ],
    [
      'future',
      { since: '2999-01-01T00:00:00Z' },
      'signing-key-not-yet-valid',
      'cannot sign with key KEY: it is valid from 2999-01-01T00:00:00Z on; wait until then, or put another key in the serial policy',
    ],
    [
      'foreign',
      { 'account-id': 'someone-else' },
      'authority-not-allowed',
      'cannot sign as someone-else: the model assertion does not list it as serial-authority; list it, or put another key in the serial policy',
    ],
  ] as const)('that is %s signs nothing', async (name, extra, code, sentence) => {
    const bad = await rig.addKey(`key-${name}`, extra);
    const of = await rig.chain.model(`model-key-${name}`);
    await rig.addModel(`model-key-${name}`, { apiKey: 'api-key-of-model-a', key: bad });
    const device = await rig.device(of);
    expect(await post(encodeStream([await signedBy(device), of]))).toMatchObject({
      status: 409,
      code,
      message: sentence.replace('KEY', bad.keyId),
    });
  });

  it('that is constrained to other assertions signs nothing', async () => {
    const bad = await rig.addKey('constrained', false);
    const constraints = [{ headers: { type: 'model' } }];
    await rig.addAssertions([await rig.chain.accountKey(bad, 'constrained', { constraints })]);
    const of = await rig.chain.model('model-constrained');
    await rig.addModel('model-constrained', { apiKey: 'api-key-of-model-a', key: bad });
    expect(await post(encodeStream([await signedBy(await rig.device(of)), of]))).toMatchObject({
      status: 409,
      code: 'signing-key-constrained',
      message: `cannot sign with key ${bad.keyId}: the constraints of its account-key do not allow such serials; put another key in the serial policy`,
    });
  });

  it('of an account that the model lists as serial-authority signs in that account’s name', async () => {
    const partner = await rig.addKey('partner', false);
    await rig.addAssertions([
      await rig.chain.account('partner-one'),
      await rig.chain.accountKey(partner, 'partner', { 'account-id': 'partner-one' }),
    ]);
    const of = await rig.chain.model('model-partner', { 'serial-authority': ['partner-one'] });
    await rig.addModel('model-partner', { apiKey: 'api-key-of-model-partner', key: partner });
    const serial = await (await rig.device(of)).requestSerial();
    expect(text(serial, 'authority-id')).toBe('partner-one');
  });

  it('is not asked for when the model has no policy', async () => {
    const of = await rig.chain.model('model-bare');
    await rig.addModel('model-bare', { apiKey: 'api-key-of-model-a' });
    expect(await post(encodeStream([await signedBy(await rig.device(of)), of]))).toMatchObject({
      status: 409,
      code: 'policy-missing',
      message: 'cannot sign serials of model "model-bare": it has no serial policy; create one',
    });
  });

  it('that follows another takes over at the next request, and old serials stay', async () => {
    const of = await rig.chain.model('model-rotated');
    await rig.addModel('model-rotated', { apiKey: 'api-key-of-model-rotated', key });
    const early = await rig.device(of);
    const before = await early.requestSerial();
    const next = await rig.addKey('serials-next');
    await rig.addPolicy('model-rotated', next);
    const late = await (await rig.device(of)).requestSerial();
    expect([before.signKeyId, late.signKeyId]).toEqual([key.keyId, next.keyId]);
    expect((await early.requestSerial()).bytes).toEqual(before.bytes);
  });
});

describe('a remodelled device', () => {
  it('gets a serial of the new model when the brand allows it, and keeps its number', async () => {
    const device = await rig.device(model, { proposedSerial: 'RE-1' });
    const former = await device.requestSerial();
    const next = await rig.chain.model('model-next');
    await rig.addModel('model-next', { apiKey: 'api-key-of-model-a', key });
    const original = {
      'original-brand-id': rig.chain.brandId,
      'original-model': 'model-a',
      'original-serial': 'RE-1',
    };
    const ask = async () => {
      const requestId = await device.requestId();
      const headers = {
        'brand-id': rig.chain.brandId,
        model: 'model-next',
        'request-id': requestId,
        'device-key': device.signer.publicKey.encoded,
        ...original,
      };
      const request = await signAssertion({ type: 'serial-request', headers }, device.signer, new Date());
      return post(encodeStream([request, next, former]));
    };
    expect(await ask()).toMatchObject({ status: 403, code: 'remodel-not-allowed' });
    await rig.database.queries
      .insertInto('RemodelAllowance')
      .values({
        brandId: rig.chain.brandId,
        fromModel: 'model-a',
        toModel: 'model-next',
        fromSerial: '',
        description: '',
        createdAt: new Date().toISOString(),
        createdBy: 'admin',
      })
      .execute();
    const { body } = await ask();
    const [serial] = decodeStream(body);
    expect(serial && text(serial, 'serial')).toBe('RE-1');
    expect(serial && text(serial, 'model')).toBe('model-next');
  });

  it('brings a serial that a partner signed, whom its former model lets sign', async () => {
    const partnerKey = await rig.addKey('partner-serials', false);
    await rig.addAssertions([
      await rig.chain.account('partner-two'),
      await rig.chain.accountKey(partnerKey, 'partner-serials', { 'account-id': 'partner-two' }),
    ]);
    const shared = await rig.chain.model('model-shared', { 'serial-authority': ['partner-two'] });
    await rig.addModel('model-shared', { apiKey: 'api-key-of-model-shared', key: partnerKey });
    const device = await rig.device(shared, { proposedSerial: 'RE-P' });
    const former = await device.requestSerial();
    expect(text(former, 'authority-id')).toBe('partner-two');
    await rig.database.queries
      .insertInto('RemodelAllowance')
      .values({
        brandId: rig.chain.brandId,
        fromModel: 'model-shared',
        toModel: 'model-a',
        fromSerial: '',
        description: '',
        createdAt: new Date().toISOString(),
        createdBy: 'admin',
      })
      .execute();
    const request = await device.serialRequest(await device.requestId(), {
      model: 'model-a',
      serial: 'RE-P',
      'original-brand-id': rig.chain.brandId,
      'original-model': 'model-shared',
      'original-serial': 'RE-P',
    });
    const [serial] = decodeStream((await post(encodeStream([request, model, former]))).body);
    expect(serial && [text(serial, 'model'), text(serial, 'serial'), text(serial, 'authority-id')]).toEqual([
      'model-a',
      'RE-P',
      rig.chain.brandId,
    ]);
  });

  it('must bring the former serial of its own key', async () => {
    const device = await rig.device(model);
    const stranger = await rig.device(model, { proposedSerial: 'RE-2' });
    const former = await stranger.requestSerial();
    const original = {
      'original-brand-id': rig.chain.brandId,
      'original-model': 'model-a',
      'original-serial': 'RE-2',
    };
    const request = await signedBy(device, original);
    expect(await post(encodeStream([request, model, former]))).toMatchObject({
      status: 400,
      code: 'remodel-serial-mismatch',
      message:
        'cannot remodel: the former serial is not of this device key, or not the one that the request names',
    });
    expect(await post(encodeStream([request, model]))).toMatchObject({
      status: 400,
      code: 'remodel-incomplete',
      message:
        'cannot remodel: the request needs original-brand-id, original-model, original-serial and the former serial assertion',
    });
  });
});

describe('times', () => {
  it('are the same in the serial’s timestamp and in its signature, whenever it is signed', async () => {
    const device = await rig.device(model);
    const serial = await device.requestSerial();
    const row = await rig.database.queries
      .selectFrom('SerialIntent')
      .select(['timestamp'])
      .where('deviceKeyId', '=', device.signer.publicKey.keyId)
      .executeTakeFirstOrThrow();
    expect(text(serial, 'timestamp')).toBe(formatTimestamp(new Date(row.timestamp)));
  });
});
