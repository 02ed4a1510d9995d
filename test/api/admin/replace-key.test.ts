/** A key in another one's place, as one request that may be made again at any time. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeAssertion, keyBounds, publicKeyOf, type PublicKey } from '../../../src/assertions/index.ts';
import { AirlockError } from '../../../src/errors.ts';
import { openGateway, type TestGateway } from '../../support/admin-gateway.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const UNTIL = '2099-12-31T00:00:00Z';
const SERIALS = [{ headers: { type: 'serial', model: 'model-.*' } }];

let folder: string;
let rig: TestModelService;
let gateway: TestGateway;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-replace-key-'));
  rig = await openModelService({ folder, brandId: 'acme' });
  gateway = await openGateway(rig);
});
afterAll(async () => {
  await gateway.close();
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

type Answer = Awaited<ReturnType<TestGateway['call']>>;
const errorOf = ({ status, json }: Answer) => [
  status,
  json['error-list'][0].code,
  json['error-list'][0].message,
];
const pathOf = (keyId: string) => gateway.brand(`/signing_key/${keyId}`);
const replace = (keyId: string, body: object) => gateway.call('POST', `${pathOf(keyId)}/replace`, body);
const names = async () =>
  (await gateway.call('GET', gateway.brand('/signing_key'))).json.map((key: { name: string }) => key.name);
const policyOf = async (model: string) =>
  (await gateway.call('GET', gateway.brand('/serial_policy'))).json.find(
    (policy: Record<string, unknown>) => policy['model-name'] === model,
  )['signing-key-sha3-384'];
/** What the outside store gives for a request, pushed here. */
async function push({ json }: Answer): Promise<void> {
  const request = decodeAssertion(json['account-key-request']);
  await rig.addAssertions([
    await rig.chain.accountKey(publicKeyOf(request), json.name, {
      ...(request.headers['constraints'] && { constraints: request.headers['constraints'] }),
    }),
  ]);
}

describe('a key that takes the place of another', () => {
  it('waits for its account-key across the air gap, and the models change over in one step', async () => {
    const old = await rig.addKey('line-1', { until: UNTIL, constraints: SERIALS });
    await rig.addModel('model-a', { apiKey: 'api-key-of-model-a', key: old });
    const begun = await replace(old.keyId, { name: 'line-2' });
    expect([begun.status, begun.json]).toMatchObject([
      200,
      { state: 'awaiting-account-key', name: 'line-2', models: [], 'old-key-until': UNTIL },
    ]);
    const next = String(begun.json['new-signing-key-sha3-384']);
    // What the old one may sign, and not when it ends.
    expect(keyBounds(decodeAssertion(begun.json['account-key-request']))).toEqual({ constraints: SERIALS });
    expect((await replace(old.keyId, { name: 'line-2' })).json).toEqual(begun.json);
    expect(await policyOf('model-a')).toBe(old.keyId);
    await push(begun);
    const done = { state: 'rotated', 'new-signing-key-sha3-384': next, models: ['model-a'] };
    for (let time = 0; time < 2; time += 1)
      expect((await replace(old.keyId, { name: 'line-2' })).json).toMatchObject(done);
    expect(await policyOf('model-a')).toBe(next);
    expect((await rig.hsm.listKeys()).map(({ label }) => label).toSorted()).toEqual(['line-1', 'line-2']);

    // The old one is kept until its account-key has ended.
    const remove = (query: string) => gateway.call('DELETE', `${pathOf(old.keyId)}${query}`);
    for (const query of ['', '?has-signed=true'])
      expect(errorOf(await remove(query))).toEqual([
        409,
        'signing-key-kept',
        `cannot delete signing key 'line-1': it was in a serial policy, and is kept until its account-key ends at ${UNTIL}; delete it then, or now with --before-until (before-until=true)`,
      ]);
    expect((await rig.hsm.listKeys()).map(({ label }) => label)).toContain('line-1');
    expect((await remove('?before-until=true')).status).toBe(204);
    expect((await rig.hsm.listKeys()).map(({ label }) => label)).toEqual(['line-2']);
  });

  it('may be one that is made or being registered already, and is registered as that was begun', async () => {
    const old = await rig.addKey('line-3');
    await rig.addModel('model-c', { apiKey: 'api-key-of-model-c', key: old });
    const made = await gateway.call('POST', gateway.brand('/signing_key'), { name: 'line-4', until: UNTIL });
    const keyId = String(made.json['sha3-384']);
    const registered = await gateway.call('POST', `${pathOf(keyId)}/register`, {});
    const begun = await replace(old.keyId, { name: 'line-4' });
    expect(begun.json).toMatchObject({
      'new-signing-key-sha3-384': keyId,
      'account-key-request': registered.json['account-key-request'],
    });
    // An account-key without the end that was asked for is taken when somebody says that they know.
    await push(begun);
    expect(errorOf(await replace(old.keyId, { name: 'line-4' })).slice(0, 2)).toEqual([
      409,
      'signing-key-wider',
    ]);
    expect(await policyOf('model-c')).toBe(old.keyId);
    const accepted = await replace(old.keyId, { name: 'line-4', 'accept-wider': true });
    expect(accepted.json).toMatchObject({ state: 'rotated', models: ['model-c'] });
    expect(await policyOf('model-c')).toBe(keyId);
  });

  it('is one key: who asks for another, or for other bounds, is told and changes nothing', async () => {
    const old = await rig.addKey('line-5');
    const begun = await replace(old.keyId, { name: 'line-6', until: UNTIL });
    expect(begun.status).toBe(200);
    const before = await names();
    expect(errorOf(await replace(old.keyId, { name: 'line-7' }))).toEqual([
      409,
      'rotation-running',
      "cannot rotate signing key 'line-5' to 'line-7': it is being rotated to 'line-6'; rotate it to that, or delete that key first",
    ]);
    expect(errorOf(await replace(old.keyId, { name: 'line-6', until: '2098-01-01T00:00:00Z' }))).toEqual([
      409,
      'signing-key-exists',
      "cannot create signing key 'line-6' with these bounds: it is being made with others; take another name",
    ]);
    expect(errorOf(await replace(old.keyId, { name: 'line-6', token: 'card' })).slice(0, 2)).toEqual([
      409,
      'signing-key-exists',
    ]);
    expect(errorOf(await replace(old.keyId, { name: 'line-5' }))).toEqual([
      409,
      'signing-key-exists',
      "cannot rotate signing key 'line-5' to itself: name a new key",
    ]);
    expect(await names()).toEqual(before);
    // The way out: without its new key the rotation ends, and another may begin.
    const next = String(begun.json['new-signing-key-sha3-384']);
    expect((await gateway.call('DELETE', pathOf(next))).status).toBe(204);
    await expect
      .poll(async () => (await replace(old.keyId, { name: 'line-7' })).status, { timeout: 30_000 })
      .toBe(200);
  });

  it('needs one that is there', async () => {
    expect(errorOf(await replace('nonsense', { name: 'line-9' })).slice(0, 2)).toEqual([
      404,
      'resource-not-found',
    ]);
  });
});

describe('a request for one', () => {
  let old: PublicKey;
  beforeAll(async () => {
    old = await rig.addKey('line-0', false);
  });

  it.each<[object, number, string, string]>([
    [{}, 400, 'invalid-field', 'name: it is missing'],
    [{ name: 'Line 8' }, 400, 'name-malformed', '"Line 8"'],
    [{ name: 'line-8', until: '2020-01-01T00:00:00Z' }, 400, 'key-bounds-malformed', 'has passed'],
    [{ name: 'line-8', token: 'nowhere' }, 404, 'hsm-token-missing', 'nowhere'],
    [{ name: 'line-8', deliver: 'upstream' }, 409, 'registration-offline', '--request-out'],
  ])('is not made with %j', async (body, status, code, sentence) => {
    const before = await rig.hsm.listKeys();
    expect(errorOf(await replace(old.keyId, body))).toEqual([
      status,
      code,
      expect.stringContaining(sentence),
    ]);
    expect(await rig.hsm.listKeys()).toEqual(before);
    expect(await names()).not.toContain('line-8');
  });
});

test('a host with a route hands the request over by itself, and tells what the store refused', async () => {
  const own = await openModelService({ folder: await temporaryFolder(), brandId: 'acme' });
  onTestFinished(() => own.close());
  const handed: string[] = [];
  let refuses = true;
  const here = await openGateway(own, {
    submit: async (request) => {
      if (refuses) throw new AirlockError('conflict', 'registration-refused', 'cannot register the key: no');
      handed.push(request);
    },
  });
  onTestFinished(() => here.close());
  const old = await own.addKey('line-1');
  await own.addModel('model-a', { apiKey: 'api-key-of-model-a', key: old });
  const rotate = () =>
    here.call('POST', here.brand(`/signing_key/${old.keyId}/replace`), {
      name: 'line-2',
      deliver: 'upstream',
    });
  expect(errorOf(await rotate())).toEqual([409, 'registration-refused', 'cannot register the key: no']);
  refuses = false;
  const begun = await rotate();
  expect(begun.json).toMatchObject({ state: 'awaiting-account-key' });
  expect(handed).toEqual([begun.json['account-key-request']]);
  const request = decodeAssertion(begun.json['account-key-request']);
  await own.addAssertions([await own.chain.accountKey(publicKeyOf(request), 'line-2')]);
  expect((await rotate()).json).toMatchObject({ state: 'rotated', models: ['model-a'] });
  expect(handed).toHaveLength(1);
  expect((await own.hsm.listKeys()).map(({ label }) => label).toSorted()).toEqual(['line-1', 'line-2']);
});
