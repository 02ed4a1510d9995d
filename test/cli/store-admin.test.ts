import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { answering, operationAt, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TEST_KEY = 'PPkB6XcYjkxzA9c6dXsaM0sg9r_d5DZ2kDYvWPTeuSXofXGzMDBt7DoD_Xiw3see';
const OTHER_KEY = '-PkB6XcYjkxzA9c6dXsaM0sg9r_d5DZ2kDYvWPTeuSXofXGzMDBt7DoD_Xiw3see';
const NEW_KEY = '4aPBeXLPu2xoriNr-6e1Ja448wC7IAS86Ijs6r0sHWiZ6Y9WYprxeWkK7HETCyh6';
const model = { name: 'model-a', series: '16', 'api-key': 'model-a-apikey', 'brand-account-id': 'brand' };
const keys = [
  { name: 'test-key', 'sha3-384': TEST_KEY, 'brand-account-id': 'brand' },
  { name: 'new-key', 'sha3-384': NEW_KEY, 'brand-account-id': 'brand' },
];
const policy = (revision: number, key: string) => ({
  revision,
  'model-name': 'model-a',
  'signing-key-sha3-384': key,
});

/** The admin of seed 001 on a machine of their own, logged in. */
async function admin(answers: Readonly<Record<string, unknown>>) {
  const server = await answering({
    'POST /v1/tokens/offline/exchange': { macaroon: 'gateway-token' },
    'GET /v1/tokens/whoami': {
      account: { id: 'ADMIN', email: 'admin@brand.example', username: 'admin' },
      'session-id': 'session-1',
    },
    'GET /v1/brand/brand': { 'account-id': 'brand' },
    ...answers,
  });
  const env = {
    AIRLOCK_HOME: await temporaryFolder(),
    BRAND_ACCOUNT_ID: 'brand',
    STORE_ADMIN_TOKEN: 'admin-token',
  };
  await runCli('store-admin', ['login', '--offline', `${server.url}/`, 'Admin@Brand.example'], {
    env,
  });
  return {
    ...server,
    env,
    run: (args: readonly string[], input?: string) =>
      runCli('store-admin', args, { env, ...(input === undefined ? {} : { input }) }),
  };
}

async function golden(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, 'golden', name), 'utf8');
}

/** A host that exports nothing, and the environment of commands at it. */
async function exporting() {
  const result = { files: [], tokenFile: null, snaps: [], accountKeys: [], warnings: [] };
  const server = await answering(operationAt('POST /ops/v1/exports', result));
  const env = {
    AIRLOCK_URL: server.url,
    AIRLOCK_OPERATOR_TOKEN: 'operator',
    SNAP_USER_COMMON: await temporaryFolder(),
  };
  return { server, env };
}

describe('keys, models and policies', () => {
  test('list keys --json is what the gateway says', async () => {
    const { run } = await admin({ 'GET /v1/brand/brand/signing_key': keys });
    expect(JSON.parse((await run(['list', 'keys', '--json'])).stdout)).toEqual(keys);
  });

  test('list keys, when there is none', async () => {
    const { run } = await admin({ 'GET /v1/brand/brand/signing_key': [] });
    expect((await run(['list', 'keys'])).stdout).toBe('Name    SHA3-384\n------  ----------\n');
  });

  test('with --json the questions are not among the output', async () => {
    const { run } = await admin({
      'POST /v1/brand/brand/model': model,
      'POST /v1/brand/brand/model/model-a/serial_policy': policy(1, TEST_KEY),
    });
    const created = await run(['create', 'model', 'model-a', '--json'], 'model-a-apikey\n');
    expect(JSON.parse(created.stdout)).toEqual({ ...model, 'api-key': undefined });
    expect(created.stderr).toBe('API key (alphanumeric, `pwgen 40` for options): ');
    const configured = await run(['create', 'serial-policy', '--json'], `model-a\n${TEST_KEY}\n`);
    expect(JSON.parse(configured.stdout)).toEqual(policy(1, TEST_KEY));
    expect(configured.stderr).toBe(
      'Model to attach the serial signing policy: Signing key to use (SHA3-384): ',
    );
    const ended = await run(['create', 'model', 'model-a', '--json'], '');
    expect(ended).toMatchObject({ status: 2, stdout: '' });
  });

  test('list models shows the key of the policy in force, with one question for all models', async () => {
    const others = ['model-b', 'model-c'].map((name) => ({ ...model, name, 'api-key': null }));
    const { run, seen } = await admin({
      'GET /v1/brand/brand/model': [model],
      'GET /v1/brand/brand/serial_policy': [{ ...policy(2, NEW_KEY), 'signing-key-name': 'new-key' }],
    });
    expect((await run(['list', 'models'])).stdout).toBe(await golden('list-models.txt'));
    const many = await admin({
      'GET /v1/brand/brand/model': [model, ...others],
      'GET /v1/brand/brand/serial_policy': [{ ...policy(1, TEST_KEY), 'signing-key-name': null }],
    });
    const asked = many.seen.length;
    const { stdout } = await many.run(['list', 'models']);
    expect(stdout.split('\n').slice(2)).toEqual([
      expect.stringMatching(new RegExp(`^model-a +model-a-apikey +${TEST_KEY}$`)),
      'model-b',
      'model-c',
      '',
    ]);
    expect(many.seen.slice(asked).filter(({ path }) => path !== '/v1/brand/brand')).toHaveLength(2);
    expect(seen.some(({ path }) => path.includes('/model/model-a/'))).toBe(false);
  });

  test('list keys --verbose: tokens, standing and signatures, and a word where the log has others', async () => {
    const key = { name: 'test-key', 'sha3-384': TEST_KEY, 'brand-account-id': 'brand', token: 'card' };
    const { run } = await admin({
      'GET /v1/brand/brand/signing_key': [key],
      [`GET /v1/brand/brand/signing_key/${TEST_KEY}`]: {
        ...key,
        status: 'valid',
        until: '2027-12-31T00:00:00Z',
        'beyond-request': true,
        signatures: 12,
        'signatures-in-log': 11,
      },
    });
    const { stdout, stderr } = await run(['list', 'keys', '--verbose']);
    expect(stdout.split('\n')[2]).toMatch(
      new RegExp(`^test-key +${TEST_KEY} +card +valid +2027-12-31T00:00:00Z +12 +11$`),
    );
    expect(stderr).toContain("The account-key of 'test-key' goes beyond its request");
    expect(stderr).toContain("Signing key 'test-key' made 12 signatures, and the serial log has 11");
  });

  test('list keys --verbose: a key that its token does not hold is missing, however its account-key stands', async () => {
    const key = { name: 'test-key', 'sha3-384': TEST_KEY, 'brand-account-id': 'brand', token: 'card' };
    const { run } = await admin({
      'GET /v1/brand/brand/signing_key': [key],
      [`GET /v1/brand/brand/signing_key/${TEST_KEY}`]: {
        ...key,
        status: 'valid',
        until: null,
        'missing-on-token': true,
        signatures: 0,
        'signatures-in-log': 0,
      },
    });
    const { stdout, stderr } = await run(['list', 'keys', '--verbose']);
    expect(stdout.split('\n')[2]).toMatch(new RegExp(`^test-key +${TEST_KEY} +card +missing +0 +0$`));
    expect(stderr).toBe(
      "Signing key 'test-key' is not on the HSM token 'card': bring back the token that holds it, or put another key in the serial policies.\n",
    );
  });

  test('a key with an end and constraints: create key, register-key, rotate-key', async () => {
    const bounds = {
      until: '2027-12-31T00:00:00Z',
      constraints: [
        { headers: { type: 'serial', model: 'model-.*' } },
        { headers: { type: 'serial', 'brand-id': 'partner' } },
      ],
    };
    const given = [
      '--until',
      bounds.until,
      '--constraint',
      'type=serial model=model-.*',
      '--constraint',
      'type=serial  brand-id=partner',
    ];
    const { run, seen } = await admin({
      'POST /v1/brand/brand/signing_key': keys[0],
      [`POST /v1/brand/brand/signing_key/${TEST_KEY}/register`]: {
        state: 'awaiting-account-key',
        'account-key-request': 'REQUEST',
      },
      [`POST /v1/brand/brand/signing_key/${TEST_KEY}/rotate`]: {
        models: ['model-a'],
        'old-key-until': bounds.until,
      },
    });
    expect((await run(['create', 'key', 'test-key', ...given])).stdout).toBe(await golden('create-key.txt'));
    expect(seen.at(-1)?.body).toEqual({ name: 'test-key', ...bounds });
    expect(await run(['register-key', TEST_KEY, ...given])).toMatchObject({ status: 0 });
    expect(seen.at(-1)?.body).toEqual({ deliver: 'upstream', ...bounds });
    const file = join(await temporaryFolder(), 'request');
    expect(await run(['register-key', TEST_KEY, '--request-out', file, ...given])).toMatchObject({
      status: 0,
    });
    expect(seen.at(-1)?.body).toEqual({ deliver: 'file', ...bounds });
    expect(await run(['rotate-key', TEST_KEY, NEW_KEY])).toEqual({
      status: 0,
      stdout: `Model 'model-a' configured to sign serials with key '${NEW_KEY}'.\n`,
      stderr: `Key ${TEST_KEY} is kept until it is deleted; the serials that it signed stay good, also when its account-key has ended (2027-12-31T00:00:00Z).\n`,
    });
  });

  test('rotate-key --name: the new key is made and registered on the way, however often it is asked', async () => {
    const replaced = {
      state: 'awaiting-account-key',
      name: 'serials-2',
      'new-signing-key-sha3-384': NEW_KEY,
      'account-key-request': 'REQUEST',
      models: [],
      'old-key-until': null,
    };
    const path = `POST /v1/brand/brand/signing_key/${TEST_KEY}/replace`;
    const waiting = await admin({ [path]: replaced });
    const file = join(await temporaryFolder(), 'request');
    const rotate = ['rotate-key', TEST_KEY, '--name', 'serials-2'];
    const bounds = ['--token', 'card', '--until', '2099-12-31T00:00:00Z'];
    const generating = "Generating a signing keypair on the proxy's HSM. This may take some time.\n";
    expect(await waiting.run([...rotate, '--request-out', file, ...bounds])).toEqual({
      status: 0,
      stdout: `${generating}Signing key 'serials-2' created: ${NEW_KEY}\nAccount key request exported to: ${file}\n`,
      stderr:
        'Carry the request to the outside store, register it there, take the account-key that it gives, and push it with push-account-keys: then the models change over by themselves. The same command again says how far it is.\n',
    });
    expect(await readFile(file, 'utf8')).toBe('REQUEST');
    expect(waiting.seen.at(-1)?.body).toEqual({
      name: 'serials-2',
      deliver: 'file',
      token: 'card',
      until: '2099-12-31T00:00:00Z',
    });
    expect((await waiting.run(rotate)).stdout).toContain(`Key ${NEW_KEY} registered.`);
    expect(waiting.seen.at(-1)?.body).toEqual({ name: 'serials-2', deliver: 'upstream' });

    const done = await admin({
      [path]: { ...replaced, state: 'rotated', 'account-key-request': null, models: ['model-a'] },
    });
    const untouched = join(await temporaryFolder(), 'request');
    const outcome = await done.run([...rotate, '--request-out', untouched]);
    expect(outcome.stdout).toContain(`Model 'model-a' configured to sign serials with key '${NEW_KEY}'.\n`);
    await expect(readFile(untouched)).rejects.toThrow('ENOENT');
    expect(JSON.parse((await done.run([...rotate, '--json'])).stdout)).toMatchObject({ state: 'rotated' });
  });

  test.each([
    [[], 'name the new one by its SHA3-384, or by --name to have it made'],
    [
      [NEW_KEY, '--name', 'x'],
      '--name, --token, --request-out, --until and --constraint are for a key to be made',
    ],
    [[NEW_KEY, '--until', '2099-12-31T00:00:00Z'], 'are for a key to be made'],
    [['--name', 'x', '--until', 'soon'], 'cannot read --until "soon"'],
  ])('rotate-key with %j is one sentence, and nothing is asked', async (words, sentence) => {
    const { run, seen } = await admin({});
    const before = seen.length;
    const outcome = await run(['rotate-key', TEST_KEY, ...words]);
    expect(outcome).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(sentence) });
    expect(seen).toHaveLength(before);
  });

  test('delete key says what is known', async () => {
    const path = `/v1/brand/brand/signing_key/${TEST_KEY}`;
    const { run, seen } = await admin({
      [`DELETE ${path}?before-until=true`]: null,
      [`DELETE ${path}?has-signed=true&before-until=true`]: null,
    });
    expect((await run(['delete', 'key', TEST_KEY, '--before-until'])).status).toBe(0);
    expect(seen.at(-1)?.path).toBe(`${path}?before-until=true`);
    expect((await run(['delete', 'key', TEST_KEY, '--has-signed', '--before-until'])).status).toBe(0);
    expect(seen.at(-1)?.path).toBe(`${path}?has-signed=true&before-until=true`);
  });

  test('a key that may do more than was asked for is put in policies with --accept-wider', async () => {
    const { run, seen } = await admin({
      'POST /v1/brand/brand/model/model-a/serial_policy': policy(1, TEST_KEY),
      [`POST /v1/brand/brand/signing_key/${TEST_KEY}/rotate`]: { models: ['model-a'] },
    });
    const create = ['create', 'serial-policy', '--model', 'model-a', '--signing-key', TEST_KEY];
    expect((await run([...create, '--accept-wider'])).status).toBe(0);
    expect(seen.at(-1)?.body).toEqual({ 'signing-key-sha3-384': TEST_KEY, 'accept-wider': true });
    expect((await run(['rotate-key', TEST_KEY, NEW_KEY, '--accept-wider'])).status).toBe(0);
    expect(seen.at(-1)?.body).toEqual({ 'new-signing-key-sha3-384': NEW_KEY, 'accept-wider': true });
  });

  test.each([
    ['claim', 'Claim codes of the former secret are refused'],
    ['webhook', 'Questions are signed with it from now on'],
  ])('the %s secret of a model: shown, and rotated', async (kind, told) => {
    const path = `/v1/brand/brand/model/model-a/${kind}-secret`;
    const { run, seen } = await admin({
      [`POST ${path}`]: { [`${kind}-secret`]: 'FORMER' },
      [`POST ${path}/rotate`]: { [`${kind}-secret`]: 'FRESH' },
    });
    expect(await run(['show', `${kind}-secret`, 'model-a'])).toEqual({
      status: 0,
      stdout: 'FORMER\n',
      stderr: '',
    });
    const rotated = await run([`rotate-${kind}-secret`, 'model-a']);
    expect(rotated).toMatchObject({ status: 0, stdout: 'FRESH\n' });
    expect(rotated.stderr).toContain(told);
    expect(JSON.parse((await run([`rotate-${kind}-secret`, 'model-a', '--json'])).stdout)).toEqual({
      [`${kind}-secret`]: 'FRESH',
    });
    expect(seen.at(-1)?.path).toBe(`${path}/rotate`);
  });

  test('register-key by the host, which has the route, prints the same', async () => {
    const { run, seen } = await admin({
      [`POST /v1/brand/brand/signing_key/${TEST_KEY}/register`]: {
        state: 'awaiting-account-key',
        'account-key-request': 'REQUEST',
      },
    });
    const outcome = await run(['register-key', TEST_KEY]);
    expect(outcome).toMatchObject({ status: 0, stdout: await golden('register-key.txt') });
    expect(seen.at(-1)).toMatchObject({ body: { deliver: 'upstream' } });
  });

  test('register-key --json that fails on its way tells what was done until then', async () => {
    const { run, url } = await admin({
      [`POST /v1/brand/brand/signing_key/${TEST_KEY}/register`]: {
        state: 'awaiting-account-key',
        'account-key-request': 'REQUEST',
      },
    });
    const file = join(await temporaryFolder(), 'request');
    const outcome = await run([
      'register-key',
      TEST_KEY,
      ...['--request-out', file, '--authority', url, '--json'],
    ]);
    expect(outcome).toMatchObject({ status: 5 });
    expect(JSON.parse(outcome.stdout)).toEqual({
      said: [
        `Account key request exported to: ${file}`,
        'Registering signing key with the global Snap Store...',
      ],
    });
  });

  test('register-key', async () => {
    const { run, url, seen } = await admin({
      [`POST /v1/brand/brand/signing_key/${TEST_KEY}/register`]: {
        state: 'awaiting-account-key',
        'account-key-request': 'REQUEST',
      },
      'POST /dev/api/account/account-key': { account_key: {} },
      [`GET /v2/assertions/account-key/${TEST_KEY}`]: 'ACCOUNT-KEY',
    });
    const file = join(await temporaryFolder(), 'test-key.assert');
    const outcome = await run(['register-key', TEST_KEY, '--authority', url, '--assertion-out', file]);
    expect(outcome).toMatchObject({ status: 0, stdout: await golden('register-key.txt') });
    expect(seen.find(({ path }) => path === '/dev/api/account/account-key')).toMatchObject({
      authorization: 'Macaroon admin-token',
      body: { account_key_request: 'REQUEST' },
    });
    expect(await readFile(file, 'utf8')).toBe('ACCOUNT-KEY');
  });

  test('export store asks for stable and amd64, for what is named, or with --all for everything', async () => {
    const { server, env } = await exporting();
    const run = (...more: readonly string[]) =>
      runCli('store-admin', ['export', 'store', 'devices', '--key', TEST_KEY, ...more], { env });
    const asked = () => server.seen.findLast(({ method }) => method === 'POST')?.body;
    const usual = { kind: 'store', store: 'devices', keys: [TEST_KEY], snaps: true };
    expect(await run()).toMatchObject({ status: 0, stderr: '' });
    expect(asked()).toMatchObject({ ...usual, channels: ['latest/stable'], architectures: ['amd64'] });
    await run('--all');
    expect(asked()).toMatchObject({ ...usual, channels: [], architectures: [] });
    await run('--channel=edge', '--channel', 'beta,edge', '--arch', 'arm64', '--arch', 'amd64');
    expect(asked()).toMatchObject({
      ...usual,
      channels: ['latest/edge', 'latest/beta'],
      architectures: ['arm64', 'amd64'],
    });
    const documented = ['export', 'store', '--no-snaps', '--key', OTHER_KEY, '--key', TEST_KEY, 'devices'];
    expect(await runCli('store-admin', documented, { env })).toMatchObject({ status: 0, stderr: '' });
    expect(asked()).toMatchObject({ ...usual, keys: [OTHER_KEY, TEST_KEY], snaps: false });
    for (const [option, value] of [
      ['--channel', 'edge'],
      ['--arch', 'arm64'],
    ] as const)
      expect(await run('--all', option, value)).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/^error: .*'--all' cannot be used with option/),
      });
  });

  test('export store --share-with names a store and brands', async () => {
    const { server, env } = await exporting();
    const run = (shared: string) =>
      runCli('store-admin', ['export', 'store', 'devices', '--share-with', shared], { env });
    await run('main=one,two');
    expect(server.seen[0]?.body).toMatchObject({ shareWith: [{ store: 'main', brands: ['one', 'two'] }] });
    for (const wrong of ['main', 'main=', '=one', 'main=one=two'])
      expect(await run(wrong)).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(
          /^error: cannot share "\S+": name a store and brands, as in STORE=BRAND\n$/,
        ),
      });
  });
});

describe('lists of a model', () => {
  test('list api-keys: when each was used last, and which is blocked', async () => {
    const key = (name: string, more: object) => ({
      name,
      'created-at': '2026-01-01T00:00:00.000000',
      'valid-until': null,
      'last-used-at': null,
      blocked: false,
      ...more,
    });
    const listed = [
      key('default', { 'last-used-at': '2026-02-01T00:00:00.000000' }),
      key('line-2', { 'valid-until': '2027-01-01T00:00:00.000000', blocked: true }),
    ];
    const { run } = await admin({ 'GET /v1/brand/brand/model/model-a/api-keys': listed });
    const { stdout } = await run(['list', 'api-keys', 'model-a']);
    const [header = '', , ...rows] = stdout.trimEnd().split('\n');
    expect([header, ...rows].map((line) => line.split(/ {2,}/))).toEqual([
      ['Name', 'Created at', 'Valid until', 'Last used at', 'Blocked'],
      ['default', '2026-01-01T00:00:00.000000', '2026-02-01T00:00:00.000000'],
      ['line-2', '2026-01-01T00:00:00.000000', '2027-01-01T00:00:00.000000', 'yes'],
    ]);
    expect(JSON.parse((await run(['list', 'api-keys', 'model-a', '--json'])).stdout)).toEqual(listed);
  });

  test('list serials: every signed one; what ended says why and when', async () => {
    const signed = { 'model-name': 'model-a', serial: 'S-1' };
    const items = [
      {
        ...signed,
        'created-at': '2026-01-01T00:00:00.000000',
        ended: { reason: 'board-replaced', at: '2026-02-01T00:00:00.000000' },
      },
      { ...signed, 'created-at': '2026-02-01T00:00:01.000000' },
    ];
    const { run } = await admin({
      'GET /v1/brand/brand/model/model-a/serial-log?page-size=500': { items, 'next-cursor': null },
    });
    const { stdout } = await run(['list', 'serials', 'model-a']);
    expect(stdout.trimEnd().split('\n').toSpliced(1, 1)).toEqual([
      'Serial    Signed at                   Ended',
      'S-1       2026-01-01T00:00:00.000000  board-replaced, 2026-02-01T00:00:00.000000',
      'S-1       2026-02-01T00:00:01.000000',
    ]);
    expect(JSON.parse((await run(['list', 'serials', 'model-a', '--json'])).stdout)).toEqual(items);
  });
});

test('export store --auth asks an online host, whose upstream has the store', async () => {
  const stem = '/home/ubuntu/snap/store-admin/common/export/store-export-S-20240109T123041';
  const result = {
    files: [{ subject: 'S', path: `${stem}.tar.gz`, size: 1 }],
    tokenFile: `${stem}.macaroon`,
    snaps: [],
    accountKeys: [],
    warnings: [],
  };
  const server = await answering({
    'POST /ops/v1/fetches': { workflowId: 'x', ui: null },
    'GET /ops/v1/operations/x?wait=2': { workflowId: 'x', status: 'completed', result },
  });
  const folder = await temporaryFolder();
  const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: 'operator', SNAP_USER_COMMON: folder };
  const login = join(folder, 'login');
  await writeFile(login, 'LOGIN');
  const args = ['export', 'store', 'S', '--auth', login];
  const outcome = await runCli('store-admin', args, { env });
  expect(outcome.status).toBe(0);
  expect(outcome.stdout).toMatch(
    /^Logging in as store admin\.\.\.\nDownloading store metadata and assertion\.\.\.\n/,
  );
  // The host is no authority: it was asked before it was shown anything.
  expect(server.seen[0]).toMatchObject({ path: '/carry/v1/exports', authorization: undefined });
  expect(server.seen[1]?.body).toMatchObject({
    kind: 'store',
    store: 'S',
    credentials: 'LOGIN',
    snaps: true,
  });
  expect(await runCli('store-admin', [...args, '--admin', 'ada'], { env })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('cannot take --admin and --auth at once'),
  });
  expect(await runCli('store-admin', [...args, '--all'], { env })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('cannot take --all and --auth at once on an online host'),
  });
  const snaps = ['export', 'snaps', 'my-app', '--auth', login];
  expect(await runCli('store-admin', snaps, { env })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('name the store that they are in by --store'),
  });
  expect((await runCli('store-admin', [...snaps, '--store', 'S'], { env })).status).toBe(0);
  expect(server.seen.findLast(({ method }) => method === 'POST')).toMatchObject({
    path: '/ops/v1/fetches',
    body: { kind: 'snaps', names: ['my-app'], store: 'S', credentials: 'LOGIN' },
  });
  const list = join(folder, 'list.yaml');
  await writeFile(list, 'packages: [{ name: my-app, revision: 1 }]');
  const exact = ['export', 'snaps', '--from-yaml', list, '--store', 'S', '--auth', login];
  expect(await runCli('store-admin', exact, { env })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('cannot take --from-yaml and --auth at once on an online host'),
  });
  await runCli('store-admin', [...args, '--with-dependencies'], { env });
  expect(
    server.seen.find(({ body }) => JSON.stringify(body).includes('withDependencies'))?.body,
  ).toMatchObject({ store: 'S', withDependencies: true });
  expect(
    await runCli('store-admin', ['export', 'store', 'S', '--no-snaps', '--with-dependencies'], { env }),
  ).toMatchObject({
    status: 2,
    stderr:
      'error: cannot take --with-dependencies and --no-snaps at once: what snaps need comes along with them\n',
  });
});

describe('BRAND_ACCOUNT_ID', () => {
  test('is remembered after its first use', async () => {
    const { run, env, seen } = await admin({ 'GET /v1/brand/brand/signing_key': keys });
    await run(['list', 'keys']);
    const { BRAND_ACCOUNT_ID: _, ...without } = env;
    expect((await runCli('store-admin', ['list', 'keys'], { env: without })).status).toBe(0);
    expect(seen.at(-1)?.path).toBe('/v1/brand/brand/signing_key');
  });

  test('is asked for where it was never set', async () => {
    const { env } = await admin({});
    const { BRAND_ACCOUNT_ID: _, ...without } = env;
    const outcome = await runCli('store-admin', ['list', 'keys'], { env: without });
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toContain('set BRAND_ACCOUNT_ID');
  });
});

describe('what goes wrong ends in one sentence', () => {
  const sentence = /^error: cannot [^\n]+\n$/;

  test('without a log-in', async () => {
    const env = { AIRLOCK_HOME: await temporaryFolder() };
    const outcome = await runCli('store-admin', ['list', 'keys'], { env });
    expect(outcome).toMatchObject({ status: 3, stdout: '' });
    expect(outcome.stderr).toMatch(sentence);
  });

  test('with the admin token of another person', async () => {
    const server = await answering({
      'POST /v1/tokens/offline/exchange': { macaroon: 't' },
      'GET /v1/tokens/whoami': {
        account: { id: 'X', email: 'other@brand.example' },
        'session-id': 'session-2',
      },
      'POST /v1/tokens/revoke': { macaroons: [] },
    });
    const env = { AIRLOCK_HOME: await temporaryFolder(), STORE_ADMIN_TOKEN: 'x' };
    const outcome = await runCli('store-admin', ['login', '--offline', server.url, 'me@brand.example'], {
      env,
    });
    expect(outcome.status).toBe(4);
    expect(outcome.stderr).toMatch(sentence);
    expect(outcome.stderr).not.toContain('other@');
    expect(server.seen.at(-1)?.body).toEqual({ 'session-id': 'session-2' });
  });

  test.each([
    [400, 'Invalid macaroon', 3, 'it does not take STORE_ADMIN_TOKEN (Invalid macaroon)'],
    [401, 'revoked', 3, 'it does not take STORE_ADMIN_TOKEN (revoked)'],
    [404, 'cannot find anything at this address', 5, 'no gateway is there'],
  ])('when the store answers the log-in with %i', async (status, message, exitCode, words) => {
    const refused = Response.json({ 'error-list': [{ code: 'x', message }] }, { status });
    const server = await answering({ 'POST /v1/tokens/offline/exchange': refused });
    const env = { AIRLOCK_HOME: await temporaryFolder(), STORE_ADMIN_TOKEN: 'x' };
    const outcome = await runCli('store-admin', ['login', '--offline', server.url, 'me@x.example'], { env });
    expect(outcome.status).toBe(exitCode);
    expect(outcome.stderr).toMatch(sentence);
    expect(outcome.stderr).toContain(`cannot log in to ${server.url}: ${words}`);
  });

  test('with a brand that is not there: it is not remembered', async () => {
    const { run, env } = await admin({});
    const wrong = await runCli('store-admin', ['list', 'keys'], {
      env: { ...env, BRAND_ACCOUNT_ID: 'nobody' },
    });
    expect(wrong.status).not.toBe(0);
    expect(await readFile(join(env.AIRLOCK_HOME, 'store-admin.json'), 'utf8')).not.toContain('nobody');
    expect((await run(['list', 'keys'])).stderr).not.toContain('nobody');
  });

  test('when the store refuses: its own words, and an exit code of their kind', async () => {
    const body = JSON.stringify({
      'error-list': [
        {
          code: 'key-in-use',
          message: 'cannot delete the key: it is used to sign at least one serial policy',
        },
      ],
    });
    const { run } = await admin({
      [`DELETE /v1/brand/brand/signing_key/${TEST_KEY}`]: new Response(body, { status: 409 }),
    });
    const outcome = await run(['delete', 'key', TEST_KEY]);
    expect(outcome).toEqual({
      status: 6,
      stdout: '',
      stderr: 'error: cannot delete the key: it is used to sign at least one serial policy\n',
    });
  });

  test('unless the wish is explicit: a key that has signed', async () => {
    const { run, seen } = await admin({
      [`DELETE /v1/brand/brand/signing_key/${TEST_KEY}?has-signed=true`]: new Response(null, { status: 204 }),
    });
    expect(await run(['delete', 'key', TEST_KEY, '--has-signed'])).toEqual({
      status: 0,
      stdout: `Signing key '${TEST_KEY}' deleted.\n`,
      stderr: '',
    });
    expect(seen.at(-1)?.path).toBe(`/v1/brand/brand/signing_key/${TEST_KEY}?has-signed=true`);
  });

  test('when nothing answers', async () => {
    const { env } = await admin({});
    await writeFile(
      join(env.AIRLOCK_HOME, 'store-admin.json'),
      JSON.stringify({ store: { url: 'http://127.0.0.1:9', token: 't', email: 'e' } }),
    );
    const outcome = await runCli('store-admin', ['list', 'keys'], { env });
    expect(outcome.status).toBe(8);
    expect(outcome.stderr).toMatch(/^error: cannot reach the store at http:\/\/127\.0\.0\.1:9: [^\n]+\n$/);
  });

  test('when the answer is not that of a store', async () => {
    const { run } = await admin({ 'GET /v1/brand/brand/signing_key': '<html>' });
    const outcome = await run(['list', 'keys']);
    expect(outcome.status).toBe(70);
    expect(outcome.stderr).toMatch(sentence);
  });

  test.each([
    [['--until', 'some day'], 'cannot read --until "some day": write a time such as 2027-12-31T00:00:00Z'],
    [['--constraint', 'serial'], 'cannot read --constraint "serial": "serial" is not HEADER=PATTERN'],
    [
      ['--constraint', 'Type=serial'],
      'cannot read --constraint "Type=serial": "Type=serial" is not HEADER=PATTERN',
    ],
    [['--constraint', 'type='], 'cannot read --constraint "type=": "type=" is not HEADER=PATTERN'],
    [
      ['--constraint', 'model=model-a'],
      'cannot read --constraint "model=model-a": it does not name the type, as "type=serial" does',
    ],
    [
      ['--constraint', 'type=serial type=model'],
      'cannot read --constraint "type=serial type=model": it names "type" twice',
    ],
  ])('with bounds of a key that cannot be read: %j', async (args, reason) => {
    const { run, seen } = await admin({ 'POST /v1/brand/brand/signing_key': keys[0] });
    const asked = seen.length;
    for (const command of [
      ['create', 'key', 'test-key'],
      ['register-key', TEST_KEY],
    ])
      expect(await run([...command, ...args])).toEqual({
        status: 2,
        stdout: '',
        stderr: `error: ${reason}\n`,
      });
    expect(seen).toHaveLength(asked);
  });

  test('when the input ends before the answer', async () => {
    const { run, seen } = await admin({ 'POST /v1/brand/brand/model': model });
    const outcome = await run(['create', 'model', 'model-a'], '');
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toMatch(sentence);
    expect(seen.some(({ path }) => path.endsWith('/model'))).toBe(false);
  });

  test.each([
    [['frobnicate'], 2],
    [['create'], 2],
    [['create', 'model'], 2],
    [['list', 'keys', '--frob'], 2],
    [['login', 'http://x', 'a@b'], 2],
    [['export', 'snaps'], 2],
    [['register-key', TEST_KEY, '--assertion-out', 'file'], 2],
  ])('on the command line %j', async (args, status) => {
    const outcome = await runCli('store-admin', args, { env: { AIRLOCK_HOME: await temporaryFolder() } });
    expect(outcome.status).toBe(status);
    expect(outcome.stderr.trimEnd().split('\n').at(-1)).toMatch(/^error: cannot /);
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
  });

  test('but asking for help is no failure', async () => {
    expect(await runCli('store-admin', ['create', 'key', '--help'])).toMatchObject({ status: 0, stderr: '' });
  });
});
