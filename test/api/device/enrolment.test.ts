import { createHash, createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  formatTimestamp,
  signAssertion,
  text,
  type Assertion,
  type PublicKey,
} from '../../../src/assertions/index.ts';
import { hardwareKeyId, signQuestion } from '../../../src/devices/index.ts';
import { listActs } from '../../../src/storage/index.ts';
import { openGateway, type TestGateway } from '../../support/admin-gateway.ts';
import { DeviceError, type Device, type DeviceOptions } from '../../support/device.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';

let folder: string;
let rig: TestModelService;
let gateway: TestGateway;
let key: PublicKey;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-enrolment-'));
  rig = await openModelService({ folder, smallKeys: 1 });
  gateway = await openGateway(rig, { workers: false });
  key = await rig.addKey('serials');
});

afterAll(async () => {
  await gateway.close();
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

/** A model with an enrolment policy, set over the gateway. */
async function modelWith(name: string, policy: Record<string, unknown>): Promise<Assertion> {
  await rig.addModel(name, { apiKey: `api-key-of-${name}`, key });
  const answer = await gateway.call('PUT', gateway.brand(`/model/${name}/enrolment`), policy);
  expect(answer.status, answer.text).toBe(200);
  return rig.chain.model(name);
}

/** The code with which a device is refused; what it gets otherwise. */
async function outcome(device: Device): Promise<string> {
  const request = await device.serialRequest(await device.requestId());
  return device.postSerialRequest(request).then(
    (answer) => (answer.ready ? text(answer.serial, 'serial') : '202'),
    (error: unknown) =>
      error instanceof DeviceError ? `${String(error.status)} ${error.reason}` : String(error),
  );
}

const device = (model: Assertion, options: Partial<DeviceOptions> = {}) => rig.device(model, options);

describe('an allow-list', () => {
  it('comes as CSV with a dry run and a result per row, and lets in only who is on it', async () => {
    const model = await modelWith('model-list', { mode: 'allow-list' });
    const path = gateway.brand('/model/model-list/allow-list');
    const bound = await device(model, { proposedSerial: 'A-2' });
    const csv = `serial,device-key-sha3-384,note\nA-1,,line one\nA-2,${bound.signer.publicKey.keyId},\nbad serial,,\nA-1,,again\n`;
    const plan = await gateway.call('POST', `${path}?dry-run=true`, csv);
    expect(plan.json).toMatchObject({ 'dry-run': true, added: 2, refused: 2 });
    expect((await gateway.call('GET', path)).json.items).toEqual([]);
    const done = await gateway.call('POST', path, csv);
    expect(done.json.rows.map((row: { result: string }) => row.result)).toEqual([
      'added',
      'added',
      'refused',
      'refused',
    ]);
    expect((await gateway.call('POST', path, csv)).json).toMatchObject({ added: 0, unchanged: 2 });

    expect(await outcome(await device(model, { proposedSerial: 'A-1' }))).toBe('A-1');
    expect(await outcome(await device(model, { proposedSerial: 'A-2' }))).toContain('not on its model');
    expect(await outcome(bound)).toBe('A-2');
    expect(await outcome(await device(model, { proposedSerial: 'A-3' }))).toContain('not on its model');
    const listed = await gateway.call('GET', `${path}?format=csv`);
    expect(listed.text.split('\n')[2]).toContain(bound.signer.publicKey.keyId);
  });

  it('can be where serial numbers come from, each taken once', async () => {
    const model = await modelWith('model-pool', { serials: 'allow-list' });
    await gateway.call('POST', gateway.brand('/model/model-pool/allow-list'), [
      { serial: 'P-1' },
      { serial: 'P-2' },
    ]);
    const devices = [await device(model), await device(model), await device(model)];
    const outcomes: string[] = [];
    for (const one of devices) outcomes.push(await outcome(one));
    expect(outcomes.slice(0, 2)).toEqual(['P-1', 'P-2']);
    expect(outcomes[2]).toContain('none that is free');
    expect(await outcome(devices[0] ?? (await device(model)))).toBe('P-1');
  });
});

describe('a quota', () => {
  it('ends after so many serials, for newcomers only', async () => {
    const model = await modelWith('model-quota', { quota: 2 });
    const first = await device(model, { proposedSerial: 'Q-1' });
    expect(await outcome(first)).toBe('Q-1');
    const rush = await Promise.all(
      ['Q-2', 'Q-3', 'Q-4'].map((proposedSerial) => device(model, { proposedSerial })),
    );
    const outcomes = await Promise.all(rush.map((one) => outcome(one)));
    expect(outcomes.filter((one) => one.startsWith('Q-'))).toHaveLength(1);
    expect(outcomes.filter((one) => one.includes('used up'))).toHaveLength(2);
    expect(await outcome(first)).toBe('Q-1');
  });

  it('may be bound to a time and to networks', async () => {
    const early = await modelWith('model-early', { 'not-before': '2999-01-01T00:00:00Z' });
    const late = await modelWith('model-late', { 'not-after': '2020-01-01T00:00:00Z' });
    const far = await modelWith('model-far', { networks: ['10.0.0.0/8', '2001:db8::/32'] });
    const near = await modelWith('model-near', { networks: ['127.0.0.0/8'] });
    expect(await outcome(await device(early))).toContain('cannot enrol before');
    expect(await outcome(await device(late))).toContain('closed');
    expect(await outcome(await device(far))).toContain('other networks');
    expect(await outcome(await device(near, { proposedSerial: 'N-1' }))).toBe('N-1');
  });
});

describe('claim codes', () => {
  it('are derived offline, good for one serial and one device', async () => {
    const model = await modelWith('model-claim', { mode: 'claims' });
    const { json } = await gateway.call('POST', gateway.brand('/model/model-claim/claims'), {
      serials: ['C-1', 'C-2'],
    });
    const [one, two] = json.claims.map((claim: Record<string, string>) => claim['claim-code']);
    const apiKey = { 'api-key': 'api-key-of-model-claim' };
    expect(await outcome(await device(model))).toContain('bring a claim code');
    expect(
      await outcome(await device(model, { headers: { ...apiKey, 'claim-code': 'C-1.00000-00000' } })),
    ).toContain('not one of this model');
    const first = await device(model, { headers: { ...apiKey, 'claim-code': String(one) } });
    expect(await outcome(first)).toBe('C-1');
    expect(await outcome(first)).toBe('C-1');
    const thief = await device(model, { headers: { ...apiKey, 'claim-code': String(one) } });
    expect(await outcome(thief)).toContain('another device used this claim code');
    const inBody = await device(model, {
      registrationBody: `mac: 00\nclaim-code: ${String(two)}\n`,
      proposedSerial: 'C-2',
    });
    expect(await outcome(inBody)).toBe('C-2');
    const misused = await device(model, {
      headers: { ...apiKey, 'claim-code': String(two) },
      proposedSerial: 'C-9',
    });
    expect(await outcome(misused)).toContain('not one of this model');
  });
});

/** A claim code as a factory derives it by itself: what docs/how-to/provision-devices.md says, written down once more. */
function claimMadeElsewhere(secret: string, brand: string, model: string, serial: string): string {
  const digest = createHmac('sha256', Buffer.from(secret, 'base64url'))
    .update(`airlock claim\0${brand}\0${model}\0${serial}`)
    .digest();
  const number = BigInt(`0x${digest.subarray(0, 13).toString('hex')}`) >> 4n;
  const letters = Array.from(
    { length: 20 },
    (_, place) => '0123456789abcdefghjkmnpqrstvwxyz'[Number((number >> BigInt(95 - 5 * place)) & 31n)],
  );
  return `${serial}.${letters.join('').replace(/.{5}(?=.)/g, '$&-')}`;
}

describe('the claim secret of a model', () => {
  const tell = async (path: string) =>
    String((await gateway.call('POST', gateway.brand(`/model/${path}`), {})).json['claim-secret']);
  const deviceWith = (model: Assertion, code: string) =>
    device(model, { headers: { 'api-key': `api-key-of-${text(model, 'model')}`, 'claim-code': code } });

  it('lets a factory derive codes by itself, and ends all of them when it is rotated, each time with a line in the log', async () => {
    const model = await modelWith('model-offline', { mode: 'claims' });
    const { brandId } = rig.chain;
    const first = await tell('model-offline/claim-secret');
    const code = (secret: string, serial: string) =>
      claimMadeElsewhere(secret, brandId, 'model-offline', serial);
    expect(await outcome(await deviceWith(model, code(first, 'O-1')))).toBe('O-1');
    const owner = await deviceWith(model, code(first, 'O-2'));
    expect(await outcome(owner)).toBe('O-2');

    const second = await tell('model-offline/claim-secret/rotate');
    expect(second).not.toBe(first);
    expect(await tell('model-offline/claim-secret')).toBe(second);
    expect(await outcome(await deviceWith(model, code(first, 'O-3')))).toContain('not one of this model');
    expect(await outcome(await deviceWith(model, code(second, 'O-3')))).toBe('O-3');
    expect(await outcome(owner)).toBe('O-2');
    const { json } = await gateway.call('POST', gateway.brand('/model/model-offline/claims'), {
      serials: ['O-4'],
    });
    expect(json.claims).toEqual([{ serial: 'O-4', 'claim-code': code(second, 'O-4') }]);

    const acts = await listActs(rig.database.queries, { limit: 10, subject: `${brandId}/model-offline` });
    expect(acts.map(({ act, actor }) => `${actor} ${act}`).slice(0, 4)).toEqual([
      'admin-account claims.derive',
      'admin-account claims.export-secret',
      'admin-account claims.rotate-secret',
      'admin-account claims.export-secret',
    ]);
    const kept = await rig.database.queries.selectFrom('ModelSecret').selectAll().execute();
    expect(JSON.stringify(kept) + JSON.stringify(acts)).not.toMatch(new RegExp(`${first}|${second}`));
  });

  it('is another one for each model, and is over for good: a model of the same name gets the later one', async () => {
    await modelWith('model-again', { mode: 'claims' });
    const first = await tell('model-again/claim-secret');
    const second = await tell('model-again/claim-secret/rotate');
    expect(await tell('model-offline/claim-secret')).not.toBe(second);
    expect((await gateway.call('DELETE', gateway.brand('/model/model-again'))).status).toBe(204);
    await modelWith('model-again', { mode: 'claims' });
    expect([first, second].indexOf(await tell('model-again/claim-secret'))).toBe(1);
  });

  it('is for admins of the brand: others find no such model', async () => {
    for (const path of ['claim-secret', 'claim-secret/rotate', 'webhook-secret', 'webhook-secret/rotate']) {
      const unknown = await gateway.call('POST', gateway.brand(`/model/nobody/${path}`), {});
      const foreign = await gateway.call('POST', `/v1/brand/other/model/model-again/${path}`, {});
      expect([unknown.status, foreign.status]).toEqual([404, 404]);
    }
  });
});

describe('an approval queue', () => {
  it('makes devices wait for an admin, past the life of their request-id', async () => {
    const model = await modelWith('model-approve', { mode: 'approval' });
    const path = gateway.brand('/model/model-approve/approvals');
    const hopeful = await device(model, { proposedSerial: 'W-1' });
    const request = await hopeful.serialRequest(await hopeful.requestId());
    expect(await hopeful.postSerialRequest(request)).toEqual({ ready: false });
    const { json } = await gateway.call('GET', path);
    expect(json.items).toMatchObject([
      { 'device-key-sha3-384': hopeful.signer.publicKey.keyId, 'proposed-serial': 'W-1', state: 'pending' },
    ]);
    const decide = (decision: string, one: Device) =>
      gateway.call('POST', path, { decision, 'device-keys': [one.signer.publicKey.keyId] });
    expect((await decide('approve', hopeful)).status).toBe(200);
    rig.setClock(new Date(Date.now() + 3600_000));
    expect(await hopeful.postSerialRequest(request)).toMatchObject({ ready: true });
    rig.setClock(null);
    const hopeless = await device(model);
    expect(await outcome(hopeless)).toBe('202');
    await decide('refuse', hopeless);
    expect(await outcome(hopeless)).toContain('refused this device');
    expect((await decide('approve', await device(model))).status).toBe(404);
  });

  it('lets a device have the serial that the admin saw, and asks anew for another one', async () => {
    const model = await modelWith('model-seen', { mode: 'approval' });
    const path = gateway.brand('/model/model-seen/approvals');
    const seen = await device(model, { proposedSerial: 'P-5' });
    const approve = () =>
      gateway.call('POST', path, { decision: 'approve', 'device-keys': [seen.signer.publicKey.keyId] });
    const askFor = async (serial: string) => {
      const answer = await seen.postSerialRequest(
        await seen.serialRequest(await seen.requestId(), { serial }),
      );
      return answer.ready ? text(answer.serial, 'serial') : 'later';
    };
    const queue = async () => (await gateway.call('GET', path)).json.items;
    expect(await askFor('P-5')).toBe('later');
    // What waits for an answer stays what the admin sees.
    expect(await askFor('P-6')).toBe('later');
    expect(await queue()).toMatchObject([{ 'proposed-serial': 'P-5' }]);
    await approve();
    expect(await askFor('P-6')).toBe('later');
    expect(await queue()).toMatchObject([{ 'proposed-serial': 'P-6', state: 'pending', 'decided-by': null }]);
    expect(await askFor('P-5')).toBe('later');
    await approve();
    expect(await askFor('P-6')).toBe('P-6');
  });
});

describe('a decision webhook', () => {
  let server: Server;
  let answer: (body: string, signature: string) => { status: number; body: string };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { status, body } = answer(
          Buffer.concat(chunks).toString(),
          String(request.headers['airlock-signature']),
        );
        response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const urlOf = () => {
    const address: AddressInfo | string | null = server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}/decide`;
  };

  it('is asked with a signature, may choose the serial, and grants nothing when it does not answer plainly', async () => {
    const model = await modelWith('model-hook', { mode: 'webhook', 'webhook-url': urlOf() });
    const secret = await gateway.call('POST', gateway.brand('/model/model-hook/webhook-secret'), {});
    const hookSecret = Buffer.from(String(secret.json['webhook-secret']), 'base64url');
    let genuine = false;
    answer = (body, signature) => {
      const at = new Date(Number(/t=(\d+)/.exec(signature)?.[1]) * 1000);
      genuine = signQuestion(body, hookSecret, at) === signature && JSON.parse(body).model === 'model-hook';
      return { status: 200, body: JSON.stringify({ allow: true, serial: 'HOOK-1' }) };
    };
    expect(await outcome(await device(model))).toBe('HOOK-1');
    expect(genuine).toBe(true);
    const rotated = await gateway.call('POST', gateway.brand('/model/model-hook/webhook-secret/rotate'), {});
    const nextSecret = Buffer.from(String(rotated.json['webhook-secret']), 'base64url');
    expect(nextSecret).not.toEqual(hookSecret);
    answer = (body, signature) => {
      const at = new Date(Number(/t=(\d+)/.exec(signature)?.[1]) * 1000);
      genuine = signQuestion(body, nextSecret, at) === signature;
      return { status: 200, body: JSON.stringify({ allow: true, serial: 'HOOK-2' }) };
    };
    expect(await outcome(await device(model))).toBe('HOOK-2');
    expect(genuine).toBe(true);
    answer = () => ({ status: 200, body: JSON.stringify({ allow: false }) });
    expect(await outcome(await device(model))).toContain('decision service refused');
    for (const wrong of [
      { status: 500, body: '{"allow":true}' },
      { status: 200, body: 'yes' },
      { status: 200, body: '{"allow":"true"}' },
    ]) {
      answer = () => wrong;
      expect(await outcome(await device(model))).toMatch(/^503 .*gives no valid answer/);
    }
    rig.reported.length = 0;
  });
});

describe('a hardware identity', () => {
  const issue = async (publicKey: KeyObject, name: string) => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const hardwareKey = pem.split('\n').slice(1, -2).join('\n');
    const headers = {
      'authority-id': 'test-root',
      'issuer-id': 'test-root',
      manufacturer: 'Acme',
      'hardware-name': name,
      'hardware-id': `hw-${name}`,
      'hardware-id-key': hardwareKey,
      'hardware-id-key-sha3-384': hardwareKeyId(hardwareKey),
      timestamp: formatTimestamp(new Date()),
    };
    return signAssertion({ type: 'hardware-identity', headers }, rig.chain.rootSigner, new Date());
  };

  it.each([
    ['rsa', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ecdsa', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ] as const)('is proved by an %s signature over the request-id', async (name, makeKey) => {
    const model = await modelWith(`model-hw-${name}`, { 'hardware-identity': 'required' });
    const pair = makeKey();
    const voucher = await issue(pair.publicKey, name);
    const imported = await gateway.call(
      'POST',
      gateway.brand('/vouchers'),
      Buffer.from(voucher.bytes).toString(),
    );
    expect(imported.json, imported.text).toMatchObject({ added: 1, unchanged: 0 });

    const prove = async (one: Device, sign: (requestId: string) => Buffer, requestId: string) => {
      const body = JSON.stringify({
        'hardware-id-key-sha384': voucher.headers['hardware-id-key-sha3-384'],
        'request-id-signature': sign(requestId).toString('base64'),
      });
      const draft = {
        type: 'serial-request' as const,
        headers: {
          'brand-id': rig.chain.brandId,
          model: text(model, 'model'),
          'request-id': requestId,
          'device-key': one.signer.publicKey.encoded,
        },
        body,
      };
      const request = await signAssertion(draft, one.signer, new Date());
      return one.postSerialRequest(request).then(
        () => 'serial',
        (error: unknown) => (error instanceof DeviceError ? error.reason : String(error)),
      );
    };
    const genuine = (requestId: string) => createSign('sha256').update(requestId).sign(pair.privateKey);
    const one = await device(model);
    expect(await outcome(await device(model))).toContain('prove their hardware identity');
    expect(await prove(one, () => genuine('another request-id'), await one.requestId())).toContain(
      'did not sign this request-id',
    );
    expect(await prove(one, genuine, await one.requestId())).toBe('serial');
    const copy = await device(model);
    expect(await prove(copy, genuine, await copy.requestId())).toContain('another device key proved it');
  });

  it.each([
    ['off', []],
    ['warn', ['hardware-identity-malformed']],
  ])('that cannot be read is no reason to refuse where the model says "%s"', async (mode, noted) => {
    const model = await modelWith(`model-odd-${mode}`, { 'hardware-identity': mode });
    const odd = await device(model, {
      proposedSerial: 'O-1',
      registrationBody: '{"hardware-id-key-sha384":"short","request-id-signature":7}',
    });
    expect(await outcome(odd)).toBe('O-1');
    const acts = await rig.database.queries
      .selectFrom('AuditEntry')
      .select(['act', 'details'])
      .where('subject', '=', odd.signer.publicKey.keyId)
      .execute();
    expect(acts.map(({ details }) => details['code'])).toEqual(noted);
  });

  it('is only noted where the model warns', async () => {
    const model = await modelWith('model-hw-warn', { 'hardware-identity': 'warn' });
    expect(await outcome(await device(model, { proposedSerial: 'HW-1' }))).toBe('HW-1');
    const acts = await rig.database.queries.selectFrom('AuditEntry').select('act').execute();
    expect(acts.map(({ act }) => act)).toContain('hardware-identity.warn');
  });
});

describe('a replaced board', () => {
  it('takes the serial over with a permission, once; the old board is out', async () => {
    const model = await modelWith('model-board', {});
    const old = await device(model, { proposedSerial: 'B-1' });
    const first = await old.requestSerial();
    const permit = { serial: 'B-1', reason: 'board burnt, ticket 7' };
    const granted = await gateway.call('POST', gateway.brand('/model/model-board/replacements'), permit);
    expect(granted.status).toBe(201);
    const fresh = await device(model, { proposedSerial: 'B-1' });
    const second = await fresh.requestSerial();
    expect([first.revision, second.revision]).toEqual([0, 1]);
    expect(text(second, 'device-key-sha3-384')).toBe(fresh.signer.publicKey.keyId);
    expect((await fresh.requestSerial()).bytes).toEqual(second.bytes);
    expect(await outcome(old)).toContain('device key is blocked');
    expect(await outcome(await device(model, { proposedSerial: 'B-1' }))).toContain(
      'another device key has it',
    );
    const history = await rig.database.queries.selectFrom('SerialHistory').selectAll().execute();
    expect(history).toMatchObject([
      { serial: 'B-1', reason: 'board-replaced', deviceKeyId: old.signer.publicKey.keyId },
    ]);
    const shown = await gateway.call('GET', gateway.brand('/model/model-board/serial-history?serial=B-1'));
    expect(shown.json.items).toMatchObject([
      { reason: 'board-replaced', 'serial-assertion': Buffer.from(first.bytes).toString() },
    ]);
    const [used] = (await gateway.call('GET', gateway.brand('/model/model-board/replacements'))).json;
    expect(used['used-by-device-key-sha3-384']).toBe(fresh.signer.publicKey.keyId);
    expect(
      createHash('sha256')
        .update(Buffer.from(history[0]?.serialAssertion ?? []))
        .digest('hex'),
    ).toBe(createHash('sha256').update(first.bytes).digest('hex'));
  });
});
