import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  decodeAssertion,
  publicKeyOf,
  verifySelfSigned,
  type Assertion,
} from '../../../src/assertions/index.ts';
import { listActs } from '../../../src/storage/index.ts';
import {
  addPolicy,
  completeSigningKey,
  reserveSigningKey,
  signatureCounts,
} from '../../../src/storage/model-service/index.ts';
import { openGateway, type TestGateway } from '../../support/admin-gateway.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';

let folder: string;
let rig: TestModelService;
let gateway: TestGateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-gateway-'));
  rig = await openModelService({ folder });
  gateway = await openGateway(rig);
});

afterAll(async () => {
  await gateway.close();
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

/** Makes a key over the gateway, registers it and pushes its account-key. */
async function registeredKey(name: string): Promise<string> {
  const made = await gateway.call('POST', gateway.brand('/signing_key'), { name });
  expect(made.status).toBe(201);
  const keyId = String(made.json['sha3-384']);
  const registration = await gateway.call('POST', gateway.brand(`/signing_key/${keyId}/register`), {});
  const request = decodeAssertion(String(registration.json['account-key-request']));
  await rig.addAssertions([await rig.chain.accountKey(publicKeyOf(request), name)]);
  return keyId;
}

describe('a token', () => {
  it('is the exported one exchanged for a session, which knows whom it speaks for', async () => {
    const whoami = await gateway.call('GET', '/v1/tokens/whoami');
    expect(whoami.json).toMatchObject({
      account: { email: 'ada@example.com', id: 'admin-account', username: 'ada' },
      permissions: null,
    });
  });

  it('is needed, and must be ours', async () => {
    expect((await gateway.call('GET', gateway.brand('/model'), undefined, null)).status).toBe(401);
    const forged = await gateway.call('GET', gateway.brand('/model'), undefined, 'macaroon AAAA');
    expect(forged.status).toBe(400);
    expect(forged.json).toEqual({ 'error-list': [{ code: 'api-error', message: 'Invalid macaroon' }] });
    const exchanged = await gateway.call('POST', '/v1/tokens/offline/exchange', { macaroon: 'AAAA' }, null);
    expect(exchanged.json).toEqual({ 'error-list': [{ code: 'api-error', message: 'Invalid macaroon' }] });
  });

  it('that is missing or wrong is told with the view that was asked for', async () => {
    const asked = [
      await gateway.call('GET', gateway.brand('/model'), undefined, null),
      await gateway.call('GET', gateway.brand('/model'), undefined, 'Macaroon AAAA'),
      await gateway.call('GET', '/v1/brand/other-brand/model'),
      await gateway.call('DELETE', gateway.brand('/model/model-x/serial_policy/1'), undefined, null),
      await gateway.call('GET', '/v1/tokens/whoami', undefined, null),
      await gateway.call('POST', '/v1/tokens/offline/exchange', { macaroon: 'AAAA' }, null),
    ];
    expect(asked.map(({ status, headers }) => [status, headers.get('x-view-name')])).toEqual([
      [401, 'publishergw.webapi_admin.list_models'],
      [400, 'publishergw.webapi_admin.list_models'],
      [404, 'publishergw.webapi_admin.list_models'],
      [401, 'publishergw.webapi_admin.delete_serial_policy'],
      [401, 'publishergw.webapi_admin.whoami'],
      [400, 'publishergw.webapi_admin.offline_exchange'],
    ]);
    const nowhere = await gateway.call('GET', '/v1/nowhere');
    expect([nowhere.status, nowhere.headers.get('x-view-name')]).toEqual([404, null]);
  });

  it('tells its times as all of the gateway does: without a zone', async () => {
    const naive = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;
    const { macaroons } = (await gateway.call('GET', '/v1/tokens')).json;
    expect(macaroons[0]).toMatchObject({
      'valid-since': expect.stringMatching(naive),
      'valid-until': expect.stringMatching(naive),
      'revoked-at': null,
      'last-used-at': expect.stringMatching(naive),
    });
    const whoami = await gateway.call('GET', '/v1/tokens/whoami');
    expect(whoami.json.expires).toMatch(naive);
  });

  it('tells when it was exchanged last, as any session tells when it was used', async () => {
    const lastUse = async () => {
      const { macaroons } = (await gateway.call('GET', '/v1/tokens')).json;
      const sessions = z.array(
        z.looseObject({ description: z.string(), 'last-used-at': z.string().nullable() }),
      );
      return sessions.parse(macaroons).find(({ description }) => description === 'exported')?.[
        'last-used-at'
      ];
    };
    const before = Date.now();
    const body = { macaroon: gateway.adminToken };
    expect((await gateway.call('POST', '/v1/tokens/offline/exchange', body, null)).status).toBe(200);
    expect(Date.parse(`${String(await lastUse())}Z`)).toBeGreaterThanOrEqual(before);
  });

  it('ends, with the sessions made from it, when it is revoked', async () => {
    const fresh = await gateway.call(
      'POST',
      '/v1/tokens/offline/exchange',
      { macaroon: gateway.adminToken },
      null,
    );
    const authorization = `Macaroon ${String(fresh.json.macaroon)}`;
    const { json } = await gateway.call('GET', '/v1/tokens/whoami', undefined, authorization);
    const revoked = await gateway.call('POST', '/v1/tokens/revoke', { 'session-id': json['session-id'] });
    expect(revoked.status).toBe(200);
    expect((await gateway.call('GET', '/v1/tokens/whoami', undefined, authorization)).status).toBe(401);
    const unknown = await gateway.call('POST', '/v1/tokens/revoke', { 'session-id': 'nobody' });
    expect(unknown.status).toBe(404);
  });

  it('opens one brand: another is as absent as one that does not exist', async () => {
    const other = await gateway.call('GET', '/v1/brand/other-brand/model');
    const none = await gateway.call('GET', '/v1/brand/no-such-brand/model');
    expect([other.status, none.status]).toEqual([404, 404]);
    expect(other.json['error-list'][0].code).toBe(none.json['error-list'][0].code);
  });
});

describe('models', () => {
  it('are created, listed and given another API key, with the documented objects and headers', async () => {
    const created = await gateway.call('POST', gateway.brand('/model'), {
      name: 'model-a',
      series: '16',
      'api-key': 'model-a-apikey',
    });
    expect(created.status).toBe(201);
    expect(created.headers.get('x-view-name')).toBe('publishergw.webapi_admin.create_model');
    expect(created.headers.get('publishergw-version')).toMatch(/^\d+$/);
    expect(created.json).toEqual({
      'api-key': 'model-a-apikey',
      'brand-account-id': rig.chain.brandId,
      'created-at': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
      'created-by': {
        'display-name': 'Ada Admin',
        email: 'ada@example.com',
        id: 'admin-account',
        username: 'ada',
        validation: 'unproven',
      },
      'modified-at': null,
      'modified-by': null,
      name: 'model-a',
      series: '16',
    });
    const patched = await gateway.call('PATCH', gateway.brand('/model/model-a'), {
      'api-key': 'another-key',
    });
    expect(patched.json).toMatchObject({ 'api-key': 'another-key', 'modified-by': { id: 'admin-account' } });
    expect((await gateway.call('GET', gateway.brand('/model'))).json).toEqual([patched.json]);
  });

  it('are checked: name, API key, and that they are new', async () => {
    const create = (body: object) => gateway.call('POST', gateway.brand('/model'), body);
    expect((await create({ name: 'Model A' })).json['error-list'][0].code).toBe('name-malformed');
    expect(
      (await create({ name: 'model-x', 'api-key': 'not alphanumeric!' })).json['error-list'][0].code,
    ).toBe('api-key-malformed');
    const twice = await create({ name: 'model-a' });
    expect([twice.status, twice.json['error-list'][0].code]).toEqual([409, 'model-exists']);
    const wrong = await create({ name: 7 });
    expect([wrong.status, wrong.json['error-list'][0]]).toEqual([
      400,
      { code: 'invalid-field', message: 'cannot read the request: name: a text is needed' },
    ]);
  });

  it('keep API keys as digests, and the shown one sealed', async () => {
    const rows = await rig.database.queries.selectFrom('ApiKey').select(['hash', 'sealed']).execute();
    expect(JSON.stringify(rows)).not.toContain('another-key');
    expect(
      rows.filter(({ sealed }) => sealed !== null).every(({ sealed }) => sealed?.startsWith('sealed:')),
    ).toBe(true);
  });

  it('may have several named API keys that follow each other', async () => {
    const path = gateway.brand('/model/model-a/api-keys');
    const made = await gateway.call('POST', path, { name: 'factory-2' });
    expect(made.json['api-key']).toMatch(/^[A-Za-z0-9]{40}$/);
    expect((await gateway.call('POST', path, { name: 'factory-2' })).status).toBe(409);
    for (const useless of [
      { name: 'twin', 'api-key': made.json['api-key'] },
      { name: 'over', 'valid-until': '2020-01-01T00:00:00Z' },
    ])
      expect((await gateway.call('POST', path, useless)).status).toBe(409);
    expect((await gateway.call('POST', path, { name: 'short', 'api-key': 'a' })).status).toBe(400);
    const expired = await gateway.call('PATCH', `${path}/factory-2`, {
      'valid-until': '2030-01-01T00:00:00Z',
    });
    expect(expired.status).toBe(200);
    const { json } = await gateway.call('GET', path);
    expect(json.map((key: { name: string }) => key.name)).toEqual(['default', 'factory-2']);
    expect(JSON.stringify(json)).not.toContain(made.json['api-key']);
    expect((await gateway.call('DELETE', `${path}/factory-2`)).status).toBe(204);
    expect((await gateway.call('DELETE', `${path}/factory-2`)).status).toBe(404);
  });

  it("keep their own API key apart from the named ones: neither takes the other's name or text", async () => {
    const model = gateway.brand('/model/model-twin');
    const codeOf = async (method: string, path: string, body: unknown) => {
      const { status, json } = await gateway.call(method, path, body);
      return status < 400 ? String(status) : `${String(status)} ${String(json['error-list'][0].code)}`;
    };
    await gateway.call('POST', gateway.brand('/model'), { name: 'model-twin', 'api-key': 'own-key-1' });
    const named = { name: 'line-1', 'api-key': 'line-key-1' };
    expect(await codeOf('POST', `${model}/api-keys`, named)).toBe('201');
    const taken = await gateway.call('POST', `${model}/api-keys`, { name: 'default' });
    expect([taken.status, taken.json['error-list']]).toEqual([
      409,
      [
        {
          code: 'api-key-name-reserved',
          message:
            "cannot create API key 'default': the model's own key, which its creation and update set, has that name; choose another",
        },
      ],
    ]);
    const twin = await gateway.call('PATCH', model, { 'api-key': 'line-key-1' });
    expect([twin.status, twin.json['error-list']]).toEqual([
      409,
      [
        {
          code: 'api-key-exists',
          message:
            "cannot change the API key of model 'model-twin': it is the same as 'line-1', and would end with it",
        },
      ],
    ]);
    // Nothing changed; the model's own key may be given again, and given up.
    expect((await gateway.call('GET', model)).json['api-key']).toBe('own-key-1');
    expect(await codeOf('PATCH', model, { 'api-key': 'own-key-1' })).toBe('200');
    expect(await codeOf('PATCH', model, { 'api-key': null })).toBe('200');
    expect(await codeOf('POST', `${model}/api-keys`, { name: 'default' })).toBe('409 api-key-name-reserved');
    expect(await codeOf('PATCH', model, { 'api-key': 'own-key-2' })).toBe('200');
    const { json } = await gateway.call('GET', `${model}/api-keys`);
    expect(json.map(({ name }: { name: string }) => name)).toEqual(['line-1', 'default']);
  });

  it('tell which of their API keys are blocked', async () => {
    const blocked = async () => {
      const { json } = await gateway.call('GET', gateway.brand('/model/model-twin/api-keys'));
      return z
        .array(z.object({ name: z.string(), blocked: z.boolean() }))
        .parse(json)
        .flatMap((key) => (key.blocked ? [key.name] : []));
    };
    expect(await blocked()).toEqual([]);
    const block = { kind: 'api-key', subject: 'model-twin/line-1', reason: 'leaked' };
    // A serial of that text is another thing.
    await gateway.call('POST', gateway.brand('/blocks'), {
      ...block,
      kind: 'serial',
      subject: 'model-twin/default',
    });
    expect((await gateway.call('POST', gateway.brand('/blocks'), block)).status).toBe(201);
    expect(await blocked()).toEqual(['line-1']);
    await gateway.call('POST', gateway.brand('/blocks/delete'), block);
    expect(await blocked()).toEqual([]);
  });
});

describe('signing keys', () => {
  it('are made once on the HSM, and cannot be in a policy before their account-key is here', async () => {
    const made = await gateway.call('POST', gateway.brand('/signing_key'), { name: 'test-key' });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      name: 'test-key',
      'sha3-384': expect.stringMatching(/^[\w-]{64}$/),
      fingerprint: expect.stringMatching(/^[0-9A-F]{40}$/),
    });
    const again = await gateway.call('POST', gateway.brand('/signing_key'), { name: 'test-key' });
    expect(again.status).toBe(409);
    expect(await rig.hsm.listKeys()).toHaveLength(1);
    const keyId = made.json['sha3-384'];
    const early = await gateway.call('POST', gateway.brand('/model/model-a/serial_policy'), {
      'signing-key-sha3-384': keyId,
    });
    expect([early.status, early.json['error-list'][0].code]).toEqual([409, 'signing-key-unregistered']);
  });

  it('are registered by a request that the key itself signed; the registration ends when the account-key comes', async () => {
    const [key] = (await gateway.call('GET', gateway.brand('/signing_key'))).json;
    const keyId = key['sha3-384'];
    const path = gateway.brand(`/signing_key/${keyId}/register`);
    const first = await gateway.call('POST', path, { deliver: 'file' });
    expect(first.json.state).toBe('awaiting-account-key');
    const request: Assertion = decodeAssertion(first.json['account-key-request']);
    verifySelfSigned(request);
    expect(request.headers).toMatchObject({ 'account-id': rig.chain.brandId, name: 'test-key' });
    expect((await gateway.call('POST', path, {})).json['account-key-request']).toBe(
      first.json['account-key-request'],
    );
    const handle = gateway.temporal.client.workflow.getHandle(`register-key/${keyId}`);
    expect(await handle.query('registrationState')).toBe('awaiting-account-key');
    await rig.addAssertions([await rig.chain.accountKey(publicKeyOf(request), 'test-key')]);
    await handle.signal('accountKeyPushed');
    expect(await handle.result()).toBe('registered');
    expect((await gateway.call('GET', gateway.brand(`/signing_key/${keyId}`))).json).toMatchObject({
      status: 'valid',
    });
  });

  it('sign by policy, follow each other, and go only when no policy needs them', async () => {
    const [key] = (await gateway.call('GET', gateway.brand('/signing_key'))).json;
    const policies = gateway.brand('/model/model-a/serial_policy');
    expect((await gateway.call('GET', policies)).json).toEqual([]);
    const policy = await gateway.call('POST', policies, { 'signing-key-sha3-384': key['sha3-384'] });
    expect(policy.status).toBe(201);
    expect(policy.json).toMatchObject({ authority: rig.chain.brandId, 'model-name': 'model-a', revision: 1 });
    const used = await gateway.call('DELETE', gateway.brand(`/signing_key/${key['sha3-384']}`));
    expect(used.status).toBe(409);
    expect(used.json['error-list'][0].message).toContain('used to sign at least one serial policy');
    expect(used.json['error-list'][0].message).toContain('model-a');
    const next = await registeredKey('new-key');
    const rotated = await gateway.call('POST', gateway.brand(`/signing_key/${key['sha3-384']}/rotate`), {
      'new-signing-key-sha3-384': next,
    });
    expect(rotated.json).toEqual({ models: ['model-a'], 'old-key-until': null });
    expect((await gateway.call('GET', gateway.brand('/serial_policy'))).json).toMatchObject([
      {
        'model-name': 'model-a',
        revision: 2,
        authority: rig.chain.brandId,
        'signing-key-sha3-384': next,
        'signing-key-name': 'new-key',
      },
    ]);
    // A key of another brand has no name here.
    const { brandId } = rig.chain;
    const foreign = { hsmKeyId: 'ff'.repeat(16), token: 'default', brandId: 'other', name: 'their-key' };
    const by = { createdAt: new Date().toISOString(), createdBy: 'them' };
    await reserveSigningKey(rig.database.queries, { ...foreign, ...by });
    const theirs = { keyId: 'their-key-id', publicKey: '', fingerprint: '' };
    await completeSigningKey(rig.database.queries, foreign.hsmKeyId, theirs);
    await addPolicy(rig.database.queries, { brandId, modelName: 'model-a', keyId: theirs.keyId, ...by });
    expect((await gateway.call('GET', gateway.brand('/serial_policy'))).json).toMatchObject([
      { revision: 3, authority: 'other', 'signing-key-sha3-384': theirs.keyId, 'signing-key-name': null },
    ]);
    expect((await gateway.call('DELETE', `${policies}/3`)).status).toBe(204);
    const unknown = await gateway.call('POST', gateway.brand(`/signing_key/${key['sha3-384']}/rotate`), {
      'new-signing-key-sha3-384': 'nonsense',
    });
    expect([unknown.status, unknown.json['error-list'][0].code]).toEqual([404, 'resource-not-found']);
    expect((await gateway.call('DELETE', gateway.brand(`/signing_key/${key['sha3-384']}`))).status).toBe(204);
    expect((await gateway.call('GET', gateway.brand('/signing_key'))).json).toHaveLength(1);
    expect(await rig.hsm.listKeys()).toHaveLength(1);
    expect((await gateway.call('DELETE', `${policies}/2`)).status).toBe(204);
    expect((await gateway.call('DELETE', `${policies}/2`)).status).toBe(404);
  });
});

describe('the serial log', () => {
  it('pages by time, shows one serial with its assertions, and comes as CSV', async () => {
    const key = await registeredKey('log-key');
    await gateway.call('POST', gateway.brand('/model'), {
      name: 'model-log',
      'api-key': 'api-key-of-model-log',
    });
    await gateway.call('POST', gateway.brand('/model/model-log/serial_policy'), {
      'signing-key-sha3-384': key,
    });
    const model = await rig.chain.model('model-log');
    for (const serial of ['L-1', 'L-2', 'L-3'])
      await (await rig.device(model, { proposedSerial: serial })).requestSerial();
    const path = gateway.brand('/model/model-log/serial-log');
    const first = await gateway.call('GET', `${path}?page-size=2`);
    expect(first.json.items.map((item: { serial: string }) => item.serial)).toEqual(['L-1', 'L-2']);
    const second = await gateway.call('GET', `${path}?page-size=2&cursor=${first.json['next-cursor']}`);
    expect(second.json.items.map((item: { serial: string }) => item.serial)).toEqual(['L-3']);
    expect(second.json['next-cursor']).toBeNull();
    expect((await gateway.call('GET', `${path}?start-time=2999-01-01T00:00:00`)).json.items).toEqual([]);
    const one = await gateway.call(
      'GET',
      `${gateway.brand('/model/model-log/serial/L-2/serial-log')}?include-serial-assertion=true&include-serial-request-assertion=true`,
    );
    expect(decodeAssertion(one.json.items[0]['serial-assertion']).type).toBe('serial');
    expect(decodeAssertion(one.json.items[0]['serial-request-assertion']).type).toBe('serial-request');
    const csv = await gateway.call('GET', `${path}?format=csv`);
    expect(csv.text.trim().split('\n')).toHaveLength(4);
    const counted = await gateway.call('GET', gateway.brand(`/signing_key/${key}`));
    expect(counted.json).toMatchObject({ signatures: 3, 'signatures-in-log': 3, models: ['model-log'] });
    expect((await signatureCounts(rig.database.queries)).filter((key) => key.counted !== key.inLog)).toEqual(
      [],
    );
    const { id } = await rig.database.queries
      .selectFrom('SerialIntent')
      .select('id')
      .where('modelName', '=', 'model-log')
      .executeTakeFirstOrThrow();
    // Somebody takes a line out of the log.
    const hidden = rig.database.queries.updateTable('SerialIntent').where('id', '=', id);
    const [kept] = await rig.database.queries
      .selectFrom('SerialIntent')
      .select('signedAt')
      .where('id', '=', id)
      .execute();
    await hidden.set({ signedAt: null }).execute();
    expect(
      (await signatureCounts(rig.database.queries)).filter((key) => key.counted !== key.inLog),
    ).toMatchObject([{ counted: 3, inLog: 2 }]);
    await hidden.set({ signedAt: kept?.signedAt ?? null }).execute();
  });

  it('keeps its key from being deleted by mistake', async () => {
    const keys = z.array(z.object({ name: z.string(), 'sha3-384': z.string() }));
    const listed = async () => keys.parse((await gateway.call('GET', gateway.brand('/signing_key'))).json);
    const key = (await listed()).find(({ name }) => name === 'log-key')?.['sha3-384'] ?? '';
    const path = gateway.brand(`/signing_key/${key}`);
    expect((await gateway.call('DELETE', `${path}?has-signed=true`)).json['error-list'][0]).toMatchObject({
      code: 'signing-key-in-use',
      message: expect.stringContaining('of model-log;'),
    });
    const policies = gateway.brand('/model/model-log/serial_policy');
    expect((await gateway.call('DELETE', `${policies}/1`)).status).toBe(204);
    const refused = await gateway.call('DELETE', path);
    expect([refused.status, refused.json['error-list'][0]]).toEqual([
      409,
      {
        code: 'signing-key-has-signed',
        message:
          "cannot delete signing key 'log-key': 3 serials in the log rest on it; to delete it all the same, which leaves them good, add --has-signed (has-signed=true)",
      },
    ]);
    expect((await rig.hsm.listKeys()).map(({ label }) => label)).toContain('log-key');
    expect((await gateway.call('DELETE', `${path}?has-signed=perhaps`)).status).toBe(400);
    expect((await gateway.call('DELETE', `${path}?has-signed=true`)).status).toBe(204);
    expect((await rig.hsm.listKeys()).map(({ label }) => label)).not.toContain('log-key');
    const [act] = await listActs(rig.database.queries, { limit: 1 });
    expect(act).toMatchObject({
      act: 'key.delete',
      subject: key,
      details: { name: 'log-key', signatures: 3, 'has-signed': true },
    });
    const log = await gateway.call('GET', gateway.brand('/model/model-log/serial-log'));
    expect(log.json.items).toHaveLength(3);
  });

  it('outlives its model', async () => {
    expect((await gateway.call('DELETE', gateway.brand('/model/model-log'))).status).toBe(204);
    const { json } = await gateway.call('GET', gateway.brand('/model/model-log/serial-log'));
    expect(json.items).toHaveLength(3);
    expect((await gateway.call('GET', gateway.brand('/model/model-never/serial-log'))).status).toBe(404);
  });

  it('refuses a cursor that it did not give', async () => {
    const wrong = await gateway.call('GET', `${gateway.brand('/model/model-log/serial-log')}?cursor=zzz`);
    expect(wrong.status).toBe(400);
  });
});

describe('the remodel allow-list', () => {
  it('is added to, described, paged and taken from, whole requests at a time', async () => {
    const path = gateway.brand('/remodel-allowlist');
    const line = {
      'from-model': 'model-a',
      'to-model': 'model-b',
      'from-serial': null,
      description: 'spring',
    };
    const added = await gateway.call('POST', path, { allowlist: [line, { ...line, 'from-serial': 'S-1' }] });
    expect(added.status).toBe(201);
    expect(added.json.allowlist[0]).toMatchObject({
      ...line,
      'created-by': { username: 'ada' },
      'modified-at': null,
    });
    const clash = await gateway.call('POST', path, { allowlist: [{ ...line, 'from-serial': 'S-2' }, line] });
    expect(clash.status).toBe(409);
    const described = await gateway.call('PATCH', path, { allowlist: [{ ...line, description: 'autumn' }] });
    expect(described.json.allowlist[0]).toMatchObject({
      description: 'autumn',
      'modified-by': { username: 'ada' },
    });
    const page = await gateway.call('GET', `${path}?from-model=model-a&page-size=1`);
    expect(page.json.allowlist).toHaveLength(1);
    const rest = await gateway.call('GET', `${path}?page-size=5&cursor=${page.json['next-cursor']}`);
    expect(rest.json).toMatchObject({ allowlist: [{ 'from-serial': 'S-1' }], 'next-cursor': null });
    expect((await gateway.call('POST', `${path}/delete`, { allowlist: [line] })).status).toBe(204);
    expect((await gateway.call('GET', path)).json.allowlist).toHaveLength(1);
  });
});

describe('blocks', () => {
  const block = (kind: string, subject: string) =>
    gateway.call('POST', gateway.brand('/blocks'), { kind, subject });

  it('tell whether anything here has what they name', async () => {
    expect((await block('serial', 'model-log/L-1')).json).toMatchObject({ known: true });
    expect((await block('serial', 'model-log/L-99')).json).toMatchObject({ known: false });
    expect((await block('model', 'model-to-come')).json).toMatchObject({ known: false });
    expect((await block('device-key', 'k'.repeat(64))).json).toMatchObject({ known: false });
  });

  const modelForm = 'use at most 128 lower-case letters, digits and single hyphens';
  it.each([
    ['serial', 'L-1', 'name-malformed', `cannot use "L-1" as a model name: ${modelForm}`],
    [
      'serial',
      'model-log/no good',
      'block-malformed',
      'cannot block the serial "model-log/no good": write MODEL/SERIAL',
    ],
    ['model', 'Model', 'name-malformed', `cannot use "Model" as a model name: ${modelForm}`],
    [
      'device-key',
      'xx',
      'block-malformed',
      'cannot block the device-key "xx": write its SHA3-384, 64 characters, as serials have it',
    ],
    ['api-key', 'model-log', 'block-malformed', 'cannot block the api-key "model-log": write MODEL/NAME'],
    ['session', 'no good', 'block-malformed', 'cannot block the session "no good": write the session\'s id'],
  ])('that could meet nobody are refused: %s %s', async (kind, subject, code, message) => {
    const { status, json } = await block(kind, subject);
    expect([status, json['error-list']]).toEqual([400, [{ code, message }]]);
  });

  it('on an API key that is not there, or on a log-in, are refused', async () => {
    expect((await block('api-key', 'model-a/nokey')).status).toBe(404);
    const { json } = await gateway.call('GET', '/v1/tokens/whoami');
    expect((await block('session', json['session-id'])).status).toBe(409);
    const listed = await gateway.call('GET', gateway.brand('/blocks'));
    expect(listed.json.map(({ kind }: { kind: string }) => kind)).not.toContain('session');
  });
});
