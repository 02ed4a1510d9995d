/** A signing key with an end and constraints: asked for here, signed by a real authority across the air gap, held to here. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest';
import { createAuthorityOps } from '../../../src/api/publisher/index.ts';
import { operatorGate } from '../../../src/api/operator-gate.ts';
import { startServer } from '../../../src/api/server.ts';
import { decodeAssertion, keyBounds, publicKeyOf, verifySelfSigned } from '../../../src/assertions/index.ts';
import { openGateway, type TestGateway } from '../../support/admin-gateway.ts';
import { testAuthority } from '../../support/authority.ts';
import { runCli } from '../../support/cli.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';
import { openTestTemporal, withWorkers } from '../../support/temporal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const UNTIL = '2099-12-31T00:00:00Z';
const SERIALS = [{ headers: { type: 'serial', model: 'model-.*' } }];

/** Makes a key over the gateway with bounds, and has its request signed. */
async function requested(gateway: TestGateway, name: string, bounds: object) {
  const made = await gateway.call('POST', gateway.brand('/signing_key'), { name, ...bounds });
  expect(made.status).toBe(201);
  const keyId = String(made.json['sha3-384']);
  const path = gateway.brand(`/signing_key/${keyId}`);
  const registration = await gateway.call('POST', `${path}/register`, { deliver: 'file' });
  return { keyId, path, text: String(registration.json['account-key-request']) };
}

describe('the account-key-request of a key', () => {
  let folder: string;
  let rig: TestModelService;
  let gateway: TestGateway;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airlock-key-bounds-'));
    rig = await openModelService({ folder, brandId: 'acme' });
    gateway = await openGateway(rig);
  });
  afterAll(async () => {
    await gateway.close();
    await rig.close();
    await rm(folder, { recursive: true, force: true });
  });
  const errorOf = (answer: Awaited<ReturnType<TestGateway['call']>>) => [
    answer.status,
    answer.json['error-list'][0].code,
    answer.json['error-list'][0].message,
  ];

  it('asks for the bounds that the key was made with', async () => {
    const { text, path } = await requested(gateway, 'made', { until: UNTIL, constraints: SERIALS });
    const request = decodeAssertion(text);
    verifySelfSigned(request);
    expect(keyBounds(request)).toEqual({ until: UNTIL, constraints: SERIALS });
    expect((await gateway.call('GET', path)).json).toMatchObject({ until: UNTIL, constraints: SERIALS });
  });

  it('is held against the account-key that comes: a store may know nothing of bounds', async () => {
    const { text, path } = await requested(gateway, 'wide', { until: UNTIL });
    const key = publicKeyOf(decodeAssertion(text));
    expect((await gateway.call('GET', path)).json['beyond-request']).toBe(false);
    await rig.addAssertions([await rig.chain.accountKey(key, 'wide')]);
    expect((await gateway.call('GET', path)).json).toMatchObject({ until: null, 'beyond-request': true });
    const headers = { until: '2050-01-01T00:00:00Z', revision: '1' };
    await rig.addAssertions([await rig.chain.accountKey(key, 'wide', headers)]);
    expect((await gateway.call('GET', path)).json).toMatchObject({ 'beyond-request': false });
  });

  it('keeps a key whose account-key lacks its bounds out of policies, unless an admin says that they know', async () => {
    const { text, keyId } = await requested(gateway, 'unbounded', { constraints: SERIALS });
    await rig.addAssertions([await rig.chain.accountKey(publicKeyOf(decodeAssertion(text)), 'unbounded')]);
    const first = await rig.addKey('first-in-force');
    await rig.addModel('model-wide', { apiKey: 'api-key', key: first });
    const policies = gateway.brand('/model/model-wide/serial_policy');
    const rotate = gateway.brand(`/signing_key/${first.keyId}/rotate`);
    const refusal = [
      409,
      'signing-key-wider',
      `cannot put key ${keyId} in the serial policy: its account-key lacks an end or constraints that were asked for; register another key, or use it all the same with --accept-wider (accept-wider=true)`,
    ];
    expect(errorOf(await gateway.call('POST', policies, { 'signing-key-sha3-384': keyId }))).toEqual(refusal);
    expect(errorOf(await gateway.call('POST', rotate, { 'new-signing-key-sha3-384': keyId }))).toEqual(
      refusal,
    );
    expect((await gateway.call('GET', policies)).json).toHaveLength(1);
    const accepted = { 'new-signing-key-sha3-384': keyId, 'accept-wider': true };
    expect((await gateway.call('POST', rotate, accepted)).json).toMatchObject({ models: ['model-wide'] });
    const again = { 'signing-key-sha3-384': keyId, 'accept-wider': true };
    expect((await gateway.call('POST', policies, again)).status).toBe(201);
    const acts = await rig.database.queries
      .selectFrom('AuditEntry')
      .select(['act', 'details'])
      .orderBy('id', 'desc')
      .limit(2)
      .execute();
    expect(acts).toMatchObject([
      { act: 'serial-policy.create', details: { key: keyId, 'accept-wider': true } },
      { act: 'key.rotate', details: { to: keyId, 'accept-wider': true } },
    ]);
  });

  it('asks for those that it is registered with, in UTC, and for no others', async () => {
    const made = await gateway.call('POST', gateway.brand('/signing_key'), { name: 'later', until: UNTIL });
    const path = gateway.brand(`/signing_key/${String(made.json['sha3-384'])}`);
    const earlier = { until: '2098-01-01T01:00:00+01:00', constraints: SERIALS };
    const registered = await gateway.call('POST', `${path}/register`, earlier);
    expect(keyBounds(decodeAssertion(registered.json['account-key-request']))).toEqual({
      until: '2098-01-01T00:00:00Z',
      constraints: SERIALS,
    });
    expect((await gateway.call('POST', `${path}/register`, earlier)).status).toBe(200);
    expect(errorOf(await gateway.call('POST', `${path}/register`, { until: UNTIL }))).toEqual([
      409,
      'registration-requested',
      `cannot register signing key 'later' with other bounds: it is being registered already, until 2098-01-01T00:00:00Z and with the constraints ${JSON.stringify(SERIALS)}; make another key`,
    ]);
  });

  it('keeps what the key was made with and the registration does not name', async () => {
    const made = await gateway.call('POST', gateway.brand('/signing_key'), { name: 'kept', until: UNTIL });
    const path = gateway.brand(`/signing_key/${String(made.json['sha3-384'])}`);
    const registered = await gateway.call('POST', `${path}/register`, { constraints: SERIALS });
    expect(keyBounds(decodeAssertion(registered.json['account-key-request']))).toEqual({
      until: UNTIL,
      constraints: SERIALS,
    });
    for (const again of [{ until: UNTIL }, { constraints: SERIALS }])
      expect((await gateway.call('POST', `${path}/register`, again)).status).toBe(200);
  });

  it('asks for what the one is told who made the key, where two ask for one name in the same moment', async () => {
    const asked = [{ until: UNTIL }, { until: '2098-01-01T00:00:00Z' }];
    const answers = await Promise.all(
      asked.map((bounds) =>
        gateway.call('POST', gateway.brand('/signing_key'), { name: 'contested', ...bounds }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const winner = answers.findIndex(({ status }) => status === 201);
    const path = gateway.brand(`/signing_key/${String(answers[winner]?.json['sha3-384'])}`);
    expect((await gateway.call('GET', path)).json).toMatchObject({ ...asked[winner] });
  });

  it.each<[object, string, string]>([
    [
      { until: 'soon' },
      'invalid-field',
      'cannot read the request: until: a time with its zone is needed, such as 2027-01-31T12:00:00Z',
    ],
    [
      { until: '2020-01-01T00:00:00Z' },
      'key-bounds-malformed',
      'cannot bound the signing key: its "until" "2020-01-01T00:00:00Z" has passed',
    ],
    [{ constraints: [] }, 'invalid-field', 'cannot read the request: constraints: it must not be empty'],
    [
      { constraints: [{ type: 'serial' }] },
      'invalid-field',
      'cannot read the request: constraints.0.headers: it is missing',
    ],
    [
      { constraints: [{ headers: { Type: 'serial' } }] },
      'invalid-field',
      'cannot read the request: constraints.0.headers.Type: no field may have this name',
    ],
    [
      { constraints: [{ headers: { type: 'a\nb' } }] },
      'invalid-field',
      'cannot read the request: constraints.0.headers.type: control characters are not allowed',
    ],
    [
      { constraints: [{ headers: { model: 'x' } }] },
      'key-bounds-malformed',
      'cannot bound the signing key: a constraint must name the "type" of assertion that it allows',
    ],
    [
      { constraints: [{ headers: { type: 'ser.*' } }] },
      'key-bounds-malformed',
      'cannot bound the signing key: the "type" of a constraint must be plain, not "ser.*"',
    ],
    [
      { constraints: [{ headers: { type: 'serial', model: '(' } }] },
      'key-bounds-malformed',
      'cannot bound the signing key: "(" is not a regular expression',
    ],
    [
      { constraints: [{ headers: { type: 'model' } }] },
      'key-bounds-malformed',
      'cannot bound the signing key: none of its constraints lets it sign serials of acme, as one with type=serial would',
    ],
    [
      { constraints: [{ headers: { type: 'serial', 'authority-id': 'other' } }] },
      'key-bounds-malformed',
      'cannot bound the signing key: none of its constraints lets it sign serials of acme',
    ],
  ])('is not made, nor the key, with %j', async (bounds, code, sentence) => {
    const before = await rig.hsm.listKeys();
    const made = await gateway.call('POST', gateway.brand('/signing_key'), { name: 'wrong', ...bounds });
    expect(errorOf(made)).toEqual([400, code, expect.stringContaining(sentence)]);
    expect(await rig.hsm.listKeys()).toEqual(before);
    expect((await gateway.call('GET', gateway.brand('/signing_key'))).text).not.toContain('"wrong"');
  });
});

const TOKEN = 'operator-token';

test(
  'an authority signs the bounds that a carried request asks for, or narrower ones',
  { timeout: 120_000 },
  async () => {
    const folder = await temporaryFolder();
    const rig = await openModelService({ folder, brandId: 'acme' });
    onTestFinished(() => rig.close());
    const gateway = await openGateway(rig);
    onTestFinished(() => gateway.close());
    const temporal = await openTestTemporal();
    onTestFinished(() => temporal.close());
    const authority = await testAuthority();
    await withWorkers(temporal, authority.activities, async (client) => {
      const app = createAuthorityOps(authority.deps(client), operatorGate(TOKEN));
      const server = await startServer({
        fetch: (request) => app.fetch(request),
        host: '127.0.0.1',
        port: 0,
      });
      onTestFinished(() => server.close(0));
      const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: TOKEN };
      const run = (...args: string[]) => runCli('airlock', ['authority', ...args], { env });
      expect((await run('init', 'example-root')).status).toBe(0);
      const account = ['create', 'account', 'acme', '--id', 'acme', '--email', 'ops@acme.example'];
      expect((await run(...account)).status).toBe(0);
      const carried = join(folder, 'request');
      const key = join(folder, 'account-key');
      const register = (...args: string[]) => run('register-key', carried, '--output', key, ...args);
      const signed = async () => keyBounds(decodeAssertion(await readFile(key)));

      const asked = await requested(gateway, 'as-asked', { until: UNTIL, constraints: SERIALS });
      await writeFile(carried, asked.text);
      for (const [args, reason] of [
        [['--until', '2100-01-01T00:00:00Z'], `the key would outlive its request, which ends it at ${UNTIL}`],
        [
          ['--constraint', 'type=serial'],
          'the constraints may let the key sign more than its request asks for; keep its patterns, or write plain texts that fit them',
        ],
        [
          ['--constraint', 'type=model'],
          'the constraints may let the key sign more than its request asks for; keep its patterns, or write plain texts that fit them',
        ],
      ] as const) {
        expect(await register(...args)).toMatchObject({
          status: 2,
          stderr: `error: cannot accept the account-key-request: ${reason}\n`,
        });
      }
      expect((await register()).status).toBe(0);
      expect(await signed()).toEqual({ until: UNTIL, constraints: SERIALS });
      expect((await register('--until', '2050-01-01T00:00:00Z')).stderr).toBe(
        'error: cannot narrow the account-key: it is registered already; revoke it, and register another key\n',
      );

      const narrower = await requested(gateway, 'narrower', { constraints: SERIALS });
      await writeFile(carried, narrower.text);
      const bounds = ['--until', '2050-01-01T00:00:00Z', '--constraint', 'type=serial model=model-a'];
      expect((await register(...bounds)).status).toBe(0);
      expect(await signed()).toEqual({
        until: '2050-01-01T00:00:00Z',
        constraints: [{ headers: { type: 'serial', model: 'model-a' } }],
      });

      // Back on the host: the key signs for the one model, and what the account-key says is shown.
      await rig.addAssertions([decodeAssertion(await readFile(key))]);
      expect((await gateway.call('GET', narrower.path)).json).toMatchObject({
        status: 'valid',
        until: '2050-01-01T00:00:00Z',
        constraints: [{ headers: { type: 'serial', model: 'model-a' } }],
      });
      for (const name of ['model-a', 'model-b'])
        await gateway.call('POST', gateway.brand('/model'), { name, 'api-key': `api-key-of-${name}` });
      const policy = async (model: string) =>
        (
          await gateway.call('POST', gateway.brand(`/model/${model}/serial_policy`), {
            'signing-key-sha3-384': narrower.keyId,
          })
        ).status;
      expect([await policy('model-a'), await policy('model-b')]).toEqual([201, 409]);
    });
  },
);

test('rotation keeps the old key, past its end too: what it signed stays, and nothing new is signed by it', async () => {
  const rig = await openModelService({ folder: await temporaryFolder() });
  onTestFinished(() => rig.close());
  const gateway = await openGateway(rig, { workers: false });
  onTestFinished(() => gateway.close());
  const end = new Date(Date.now() + 3600_000).toISOString().replace(/\.\d+/, '');
  const old = await rig.addKey('old', { until: end });
  const next = await rig.addKey('next');
  await rig.addModel('model-a', { apiKey: 'api-key-of-model-a', key: old });
  const model = await rig.chain.model('model-a');
  const device = await rig.device(model, { proposedSerial: 'S-1' });
  const before = await device.requestSerial();
  const rotated = await gateway.call('POST', gateway.brand(`/signing_key/${old.keyId}/rotate`), {
    'new-signing-key-sha3-384': next.keyId,
  });
  expect(rotated.json).toEqual({ models: ['model-a'], 'old-key-until': end });
  expect((await rig.device(model).then((one) => one.requestSerial())).signKeyId).toBe(next.keyId);
  const shown = async () => (await gateway.call('GET', gateway.brand(`/signing_key/${old.keyId}`))).json;
  expect(await shown()).toMatchObject({ status: 'valid', until: end, models: [] });
  expect((await rig.hsm.listKeys()).map(({ label }) => label).toSorted()).toEqual(['next', 'old']);
  rig.setClock(new Date(Date.now() + 7200_000));
  expect((await device.requestSerial()).bytes).toEqual(before.bytes);
});
