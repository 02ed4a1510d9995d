import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

import { startServer } from '../../src/api/server.ts';
import { selfSigned, type CertificateAndKey } from '../../src/api/tls/self-signed.ts';
import { statusLines } from '../../src/cli/snap-store-proxy/status.ts';
import { answering, operationAt, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SERVICES = [
  'memcached',
  'nginx',
  'snapauth',
  'snapdevicegw',
  'snapdevicegw-local',
  'snapproxy',
  'snaprevs',
];
const status = {
  storeUrl: 'http://proxy.example.com',
  database: 'ok',
  airgap: false,
  storeId: '3dqTufgqR25SBaBoCuqCFwLcU01Gp24U',
  services: SERVICES.map((name) => ({ name, running: true, failure: null })),
  stores: [],
  accountKeys: [],
  devices: 0,
  hsm: null,
  hsmTokens: [],
  missingKeys: [],
  signatureDiscrepancies: [],
  disk: { free: 0, blobs: 0 },
  lastImport: null,
  lastBackup: null,
  temporalUi: null,
};
const imported = {
  unchanged: false,
  snaps: [{ name: 'core', revision: 13250, new: true, channels: ['latest/stable'], channelsMoved: true }],
  stores: ['your-brand-store-abc-devices', 'your-brand-store-abc-main', 'ubuntu'],
  accountKeys: [],
  admin: { accountId: 'A', email: 'a@b.example' },
  exporter: 'F'.repeat(64),
  exporterPinned: false,
};

async function operator(answers: Readonly<Record<string, unknown>>) {
  const server = await answering(answers);
  const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
  return {
    ...server,
    env,
    run: (args: readonly string[], input?: string) =>
      runCli('snap-store-proxy', args, { env, ...(input === undefined ? {} : { input }) }),
  };
}

/** Answers of a push that completes with a result. */
function push(result: unknown) {
  return {
    'POST /ops/v1/imports': { workflowId: 'import/x', ui: 'http://ui.example/import' },
    'GET /ops/v1/operations/import%2Fx?wait=2': { workflowId: 'import/x', status: 'completed', result },
  };
}

/** What a command asks that only plans. */
const PLANNED = ['/ops/v1/imports/plan', '/ops/v1/operations/x?wait=2'];

async function someFile(name: string): Promise<string> {
  const file = join(await temporaryFolder(), name);
  await writeFile(file, 'x');
  return file;
}

async function golden(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, 'golden', name), 'utf8');
}

describe('status', () => {
  test('of an air-gapped host says why a service does not run, and lists what was imported', async () => {
    const failure = '500 Server Error: Internal Server Error for url: http://127.0.0.1/_status/check';
    const { run } = await operator({
      'GET /ops/v1/status': {
        ...status,
        airgap: true,
        storeId: 'id',
        services: [
          { name: 'memcached', running: true, failure: null },
          { name: 'nginx', running: false, failure },
        ],
        stores: [
          {
            id: 'brand-store',
            name: 'Brand',
            kind: 'brand',
            brandId: 'brand',
            parent: null,
            includes: [],
            snaps: 3,
          },
          {
            id: 'resellers',
            name: 'Resellers',
            kind: 'device-view',
            brandId: 'brand',
            parent: 'brand-store',
            includes: [
              { store: 'brand-store', snaps: 'all' },
              { store: 'tools', snaps: 1 },
              { store: 'ubuntu', snaps: 12 },
            ],
            snaps: 0,
          },
        ],
        accountKeys: [
          {
            keyId: 'K'.repeat(64),
            accountId: 'brand',
            name: 'serials',
            since: '2026-01-01T00:00:00Z',
            until: null,
          },
        ],
      },
    });
    expect((await run(['status'])).stdout).toBe(await golden('status-airgap.txt'));
  });

  test('of an online host or authority without a store says so, and calls nothing approved', () => {
    const lines = statusLines({ ...status, storeId: null }, false);
    expect(lines.slice(2, 4)).toEqual([
      'Store ID:',
      'Status: no store yet (push one, or set internal.store.id)',
    ]);
  });

  test('keeps the shape that scripts look for: the third word after "Store ID"', () => {
    const line = statusLines(status, false).find((each) => each.includes('Store ID'));
    expect(line?.split(/\s+/)[2]).toBe(status.storeId);
  });

  test('tells the rest when it is asked to', async () => {
    const { run } = await operator({
      'GET /ops/v1/status': { ...status, hsm: { state: 'ready', detail: null } },
    });
    expect((await run(['status', '--verbose'])).stdout).toContain('\nHSM: ready\n');
    expect(JSON.parse((await run(['status', '--json'])).stdout)).toMatchObject({ storeId: status.storeId });
  });

  test('tells of a disk that is full, and of no backup where it cannot know', async () => {
    const full = { ...status, disk: { free: 4096, blobs: 0 }, lastBackup: null };
    const { run } = await operator({ 'GET /ops/v1/status': { ...full, database: 'unavailable' } });
    expect((await run(['status'])).stderr).toBe('The disk of the data folder is full: make room.\n');
    const other = await operator({ 'GET /ops/v1/status': full });
    expect((await other.run(['status'])).stderr).toContain('There is no verified backup of this host');
  });

  test('tells of a certificate that ends soon, or has ended', async () => {
    const noteOf = async (days: number) => {
      const until = new Date(Date.now() + days * 86_400_000).toISOString();
      const { run } = await operator({ 'GET /ops/v1/status': { ...status, certificate: { until } } });
      const said = /^The certificate for HTTPS (\w+) on .*$/m.exec((await run(['status'])).stderr);
      return said?.[1];
    };
    expect([await noteOf(40), await noteOf(20), await noteOf(-1)]).toEqual([undefined, 'expires', 'expired']);
  });

  test('tells of a database that takes no changes', async () => {
    const { run } = await operator({ 'GET /ops/v1/status': { ...status, database: 'read-only' } });
    const { stdout, stderr } = await run(['status']);
    expect(stdout).toContain('\nStore DB: read-only\n');
    expect(stderr).toContain(
      'The database takes no changes: check that it is the primary server and writable.\n',
    );
  });

  test('says when a key has other signatures than the serial log', async () => {
    const signatureDiscrepancies = [
      { brandId: 'brand', name: 'serials', keyId: 'K', counted: 12, inLog: 11 },
    ];
    const { run } = await operator({ 'GET /ops/v1/status': { ...status, signatureDiscrepancies } });
    expect((await run(['status'])).stderr).toContain(
      'Signing key "serials" of brand: 12 signatures counted, 11 in the serial log.',
    );
  });

  test('says which keys are not on their token, and what waits for them', async () => {
    const missingKeys = [
      { brandId: 'brand', name: 'serials', keyId: 'K', token: 'card', models: ['model-a', 'model-b'] },
    ];
    const { run } = await operator({ 'GET /ops/v1/status': { ...status, missingKeys } });
    const line =
      'Signing key "serials" of brand (K) is not on the HSM token "card": serials of model-a, model-b wait for it. Bring back the token that holds it, or put another key in the serial policies.\n';
    const said = await run(['status']);
    expect(said.stderr).toContain(line);
    expect(said.stdout).not.toContain('Signing key');
    expect((await run(['status', '--verbose'])).stdout).toContain(`\nHSM: none\n${line}`);
  });

  test('says beside the documented lines which HSM token is waited for, and names every one when asked', async () => {
    const hsmTokens = [
      { name: 'default', state: 'ready', detail: 'signs with the token "one"' },
      { name: 'card', state: 'down', detail: 'waits for the token "two": no slot carries the token "two"' },
    ];
    const { run } = await operator({
      'GET /ops/v1/status': { ...status, hsm: { state: 'ready', detail: null }, hsmTokens },
    });
    const waiting = 'HSM token "card": down (waits for the token "two": no slot carries the token "two")\n';
    const said = await run(['status']);
    expect(said.stderr).toContain(waiting);
    expect(said.stdout).not.toContain('HSM');
    expect((await run(['status', '--verbose'])).stdout).toContain(`\nHSM: ready\n${waiting}`);
  });
});

describe('pushes', () => {
  test('push-store of the same file again says that nothing changed', async () => {
    const { run } = await operator(push({ ...imported, unchanged: true }));
    const again = await run(['push-store', await someFile('x.tar.gz')]);
    expect(again).toEqual({
      status: 0,
      stdout: '',
      stderr: 'Nothing changed: all that this file says is so already.\n',
    });
  });

  test('push-brand-store-metadata before all of its snaps says which are still awaited', async () => {
    const names = Array.from({ length: 22 }, (_, n) => `snap-${n}`);
    const result = { ...imported, snaps: [], admin: null, awaited: { names, more: 3 } };
    const { run } = await operator(push(result));
    const told = await run(['push-brand-store-metadata', await someFile('x.json')]);
    expect(told.status).toBe(0);
    expect(told.stderr).toBe(
      `Its devices still await 25 of its snaps, which were not pushed yet: ${names.slice(0, 20).join(', ')}, and 5 more.\n`,
    );
  });

  describe('push-snap, to the letter', () => {
    const core24 = { name: 'core24', revision: 1196, new: true, channels: [], channelsMoved: true };
    async function said(snaps: readonly object[], ...options: readonly string[]) {
      const { run } = await operator(push({ ...imported, snaps, stores: [], admin: null }));
      return run(['push-snap', await someFile('core24-x.tar.gz'), ...options]);
    }

    test('where a channel changed, whether or not that was asked for', async () => {
      expect((await said([core24], '--push-channel-map')).stdout).toBe(await golden('push-snap.txt'));
      expect((await said([core24])).stdout).toBe(await golden('push-snap.txt'));
    });

    test('where channels hold what they held', async () => {
      const { stdout, stderr } = await said([{ ...core24, channelsMoved: false }], '--push-channel-map');
      expect(stdout).toBe(`${(await golden('push-snap.txt')).split('\n')[0]}\n`);
      expect(stderr).toBe('');
    });

    test('where all that devices install is as before', async () => {
      expect(await said([{ ...core24, new: false, channelsMoved: false }], '--push-channel-map')).toEqual({
        status: 0,
        stdout: '',
        stderr: 'Details of core24 were updated: no revision is new, and its channels hold what they held.\n',
      });
    });

    test('once of a snap with several revisions', async () => {
      const { stdout } = await said([core24, { ...core24, revision: 1197 }]);
      expect(stdout.trimEnd().split('\n')).toEqual([
        '[snap core24] Uploaded snap blob and assertions for core24 revision 1196',
        '[snap core24] Uploaded snap blob and assertions for core24 revision 1197',
        '[snap core24] Channelmaps were successfully updated.',
      ]);
    });
  });

  test('push-snap takes what "snap download" leaves', async () => {
    const { run, seen } = await operator(push(imported));
    const snap = await someFile('core24_1196.snap');
    const assertions = snap.replace('.snap', '.assert');
    await writeFile(assertions, 'x');
    expect((await run(['push-snap', snap, assertions, '--channel', 'latest/stable'])).status).toBe(0);
    expect(seen[0]?.body).toMatchObject({
      kind: 'snap-pair',
      path: snap,
      assertions,
      channels: ['latest/stable'],
    });
  });

  test.each([
    [
      true,
      'No channel holds core24 revision 1196: push it again with --channel for devices to be offered it.\n',
    ],
    [false, 'Nothing changed: all that this file says is so already.\n'],
  ])('push-snap of such a file without --channel, where its revision is new: %s', async (isNew, words) => {
    const snaps = [{ name: 'core24', revision: 1196, new: isNew, channels: [], channelsMoved: false }];
    const { run } = await operator(push({ ...imported, unchanged: !isNew, snaps, stores: [], admin: null }));
    const snap = await someFile('core24_1196.snap');
    await writeFile(snap.replace('.snap', '.assert'), 'x');
    const { status, stderr } = await run(['push-snap', snap]);
    expect(status).toBe(0);
    expect(stderr).toBe(words);
  });

  test('--dry-run shows a plan and starts nothing', async () => {
    const item = { action: 'new', kind: 'snap', subject: 'core', detail: 'revision 13250' };
    const plan = { store: 's', exporter: null, alreadyImported: false, newBytes: 7, items: [item] };
    const { run, seen } = await operator(operationAt('POST /ops/v1/imports/plan', plan));
    const outcome = await run(['push-store', await someFile('x.tar.gz'), '--dry-run']);
    expect(outcome.stdout).toBe(
      'Action    Kind    Subject    Detail\n--------  ------  ---------  --------------\nnew       snap    core       revision 13250\n',
    );
    expect(seen.map(({ path }) => path)).toEqual(PLANNED);
  });

  test('--dry-run of what would be refused ends as the push would', async () => {
    const detail = 'cannot accept the archive: it is older than the newest imported';
    const item = { action: 'refused', kind: 'store', subject: 's', detail };
    const refused = { kind: 'conflict', code: 'bundle-stale' };
    const plan = { store: 's', exporter: null, alreadyImported: false, newBytes: 0, items: [item], refused };
    const { run, seen } = await operator(operationAt('POST /ops/v1/imports/plan', plan));
    const outcome = await run(['push-snap', await someFile('x.tar.gz'), '--dry-run']);
    expect(outcome).toEqual({ status: 6, stdout: '', stderr: `error: ${detail}\n` });
    expect(seen.map(({ path }) => path)).toEqual(PLANNED);
  });

  test('--dry-run of several says why each is refused, and ends as the first', async () => {
    const plan = (action: string, detail: string) => ({
      store: null,
      exporter: null,
      alreadyImported: false,
      newBytes: 0,
      items: [{ action, kind: 'snap', subject: 's', detail }],
      refused: action === 'refused' ? { kind: 'conflict', code: 'bundle-stale' } : null,
    });
    const left = [plan('refused', 'cannot take a'), plan('new', 'of b'), plan('refused', 'cannot take c')];
    const { run } = await operator(operationAt('POST /ops/v1/imports/plan', () => left.shift()));
    const files = await Promise.all(['a.tar.gz', 'b.tar.gz', 'c.tar.gz'].map(someFile));
    const outcome = await run(['push-snaps', ...files, '--dry-run']);
    expect(outcome.status).toBe(6);
    expect(outcome.stdout).toMatch(/^Action .*\n-.*\nnew +snap +s +of b\n$/);
    expect(outcome.stderr).toBe(
      '0 bytes are new. Nothing was changed.\ncannot take c\nerror: cannot take a\n',
    );
  });

  test('--watch tells where the process can be seen', async () => {
    const { run } = await operator(push(imported));
    const outcome = await run(['push-store', await someFile('x.tar.gz'), '--watch']);
    expect(outcome.stderr).toBe('Follow it at http://ui.example/import\n');
  });

  test.each([
    ['invalid', 'member-digest-wrong', 2],
    ['forbidden', 'exporter-foreign', 4],
    ['not-found', 'bundle-unreadable', 5],
    ['conflict', 'bundle-stale', 6],
    ['too-large', 'bundle-too-large', 7],
    ['unavailable', 'disk-full', 8],
    ['internal', 'process-failed', 70],
  ])(
    'a push that is refused as %s ends with the sentence of the refusal, and %s is code %i',
    async (kind, code, status) => {
      const message = 'cannot accept core_1.snap: this or that is wrong with it';
      const { run } = await operator({
        ...push(imported),
        'GET /ops/v1/operations/import%2Fx?wait=2': {
          workflowId: 'x',
          status: 'failed',
          error: { kind, code, message },
        },
      });
      const outcome = await run(['push-store', await someFile('x.tar.gz')]);
      expect(outcome).toEqual({ status, stdout: '', stderr: `error: ${message}\n` });
    },
  );

  test('a push that somebody cancelled is none of the operator at the keyboard', async () => {
    const { run } = await operator({
      ...push(imported),
      'GET /ops/v1/operations/import%2Fx?wait=2': { workflowId: 'x', status: 'cancelled' },
    });
    const outcome = await run(['push-store', await someFile('x.tar.gz')]);
    expect(outcome).toMatchObject({ status: 8, stderr: 'error: cannot finish import/x: it was cancelled\n' });
  });

  test('an interrupt ends the waiting, not the push', async () => {
    const { env } = await operator(push(imported));
    const interrupted = AbortSignal.abort();
    const outcome = await runCli('snap-store-proxy', ['push-store', await someFile('x.tar.gz')], {
      env,
      signal: interrupted,
    });
    expect(outcome).toMatchObject({
      status: 130,
      stderr: 'error: cannot wait any longer: interrupted; import/x goes on, and the same command joins it\n',
    });
  });

  test('an interrupt of a backup names what shows its end, as no command joins it', async () => {
    const { env } = await operator({ 'POST /ops/v1/backups': { workflowId: 'backup/x', ui: null } });
    const outcome = await runCli('snap-store-proxy', ['backup', 'x.backup'], {
      env: { ...env, AIRLOCK_BACKUP_PASSPHRASE: 'long enough to be one' },
      signal: AbortSignal.abort(),
    });
    expect(outcome).toMatchObject({
      status: 130,
      stderr:
        'error: cannot wait any longer: interrupted; backup/x goes on, and "snap-store-proxy status --verbose" shows when it is done\n',
    });
  });

  test('a file that is not there is told apart before anything is asked', async () => {
    const { run, seen } = await operator({});
    const outcome = await run(['push-store', '/nowhere/x.tar.gz']);
    expect(outcome).toMatchObject({
      status: 2,
      stderr: 'error: cannot read /nowhere/x.tar.gz: there is no such file\n',
    });
    expect(seen).toEqual([]);
  });
});

describe('config', () => {
  const list = {
    settings: [
      { key: 'proxy.domain', value: 'test-store' },
      { key: 'proxy.auth.secret', value: '<redacted>' },
    ],
  };

  test('a secret without a value makes an empty file of a backup, and not one with a word in it', async () => {
    const key = 'proxy.tls.key';
    const { run } = await operator({ [`GET /ops/v1/config/${key}`]: { key, value: 'None' } });
    expect(await run(['config', key])).toEqual({ status: 0, stdout: '', stderr: `${key} has no value.\n` });
    const other = 'proxy.https.proxy';
    const { run: ask } = await operator({ [`GET /ops/v1/config/${other}`]: { key: other, value: 'None' } });
    expect((await ask(['config', other])).stdout).toBe('None\n');
  });

  test('sets and unsets several, and prints what holds now', async () => {
    const { run, seen } = await operator({ 'PATCH /ops/v1/config': {}, 'GET /ops/v1/config': list });
    const outcome = await run(['config', 'proxy.domain=test-store', 'proxy.https.proxy=']);
    expect(outcome.stdout).toBe('proxy.domain: test-store\n');
    expect(seen[0]?.body).toEqual({ set: { 'proxy.domain': 'test-store' }, unset: ['proxy.https.proxy'] });
  });

  test('says at once of a setting that it is not used, and why', async () => {
    const { run } = await operator({ 'PATCH /ops/v1/config': {}, 'GET /ops/v1/config': list });
    const outcome = await run(['config', 'proxy.port.snapauth=9000', 'proxy.domain=test-store']);
    expect(outcome).toEqual({
      status: 0,
      stdout: 'proxy.domain: test-store\n',
      stderr:
        'proxy.port.snapauth is kept, and not used by Airlock because one process answers for all services, on one port.\n',
    });
    const imported = await run(
      ['config', '--import-yaml'],
      'proxy.port.snapauth: 8005\nproxy.port.snapident: 9001\n',
    );
    expect(imported.stderr).toMatch(/^proxy\.port\.snapident is kept, [^\n]+\n$/);
  });

  test('imports YAML from standard input', async () => {
    const { run, seen } = await operator({ 'PATCH /ops/v1/config': {} });
    expect(
      (
        await run(
          ['config', '--import-yaml'],
          'proxy.domain: a\nproxy.admin-emails: [x@y]\ninternal.store.url: null\ninternal.store.id: ~\n',
        )
      ).status,
    ).toBe(0);
    expect(seen[0]?.body).toEqual({
      set: { 'proxy.domain': 'a', 'proxy.admin-emails': '["x@y"]' },
      unset: ['internal.store.url', 'internal.store.id'],
    });
    expect((await run(['config', '--import-yaml'], '[1')).status).toBe(2);
    const { run: ask } = await operator({ 'PATCH /ops/v1/config': {}, 'GET /ops/v1/config': list });
    const { stdout } = await ask(['config', '--import-yaml', '--json'], 'proxy.domain: test-store\n');
    expect(JSON.parse(stdout)).toEqual([{ key: 'proxy.domain', value: 'test-store', readable: true }]);
  });

  test.each([
    ['setting-invalid', 'cannot use this value of proxy.domain: it must be a name'],
    ['setting-unknown', 'cannot use the setting "proxy.old": there is none of that name'],
    ['login-file-malformed', 'cannot use this value of airlock.authority.login: it is no log-in'],
    ['store-unknown', 'cannot set internal.store.id to "x": that store is not here'],
    ['certificate-key-wrong', 'cannot use proxy.tls.cert and proxy.tls.key together: the key is another'],
  ])('says of YAML with a line that is refused (%s) that nothing was imported', async (code, message) => {
    const refused = Response.json({ 'error-list': [{ code, message }] }, { status: 400 });
    const { run } = await operator({ 'PATCH /ops/v1/config': refused });
    expect(await run(['config', '--import-yaml'], 'proxy.domain: a b\nproxy.old: 1\n')).toEqual({
      status: 2,
      stdout: '',
      stderr: `error: ${message}; nothing was imported: correct that line or remove it, and import again\n`,
    });
    expect((await run(['config', 'proxy.domain=a b'])).stderr).toBe(`error: ${message}\n`);
  });

  test('reads a value from standard input, where no list of processes shows it', async () => {
    const { run, seen } = await operator({ 'PATCH /ops/v1/config': {}, 'GET /ops/v1/config': list });
    const outcome = await run(['config', 'proxy.hsm.token-pin=-'], '74656\n');
    expect(outcome).toMatchObject({ status: 0, stdout: '' });
    expect(seen[0]?.body).toEqual({ set: { 'proxy.hsm.token-pin': '74656' }, unset: [] });
    expect((await run(['config', 'proxy.hsm.token-pin=-'], '')).status).toBe(2);
    expect(seen).toHaveLength(2);
  });

  test('reads all lines of a key from standard input, and one for each of several values', async () => {
    const { run, seen } = await operator({ 'PATCH /ops/v1/config': {}, 'GET /ops/v1/config': list });
    const key = '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----';
    await run(['config', 'proxy.tls.key=-'], `${key}\n`);
    await run(['config', 'proxy.hsm.token-pin=-', 'proxy.auth.secret=-'], '74656\nanother secret\n');
    expect(seen.map(({ body }) => body).filter((body) => body !== '')).toEqual([
      { set: { 'proxy.tls.key': key }, unset: [] },
      { set: { 'proxy.hsm.token-pin': '74656', 'proxy.auth.secret': 'another secret' }, unset: [] },
    ]);
  });

  test.each([
    [['--export-yaml', 'proxy.domain'], 'cannot take single settings with --export-yaml or --import-yaml'],
    [['--import-yaml', 'proxy.domain=x'], 'cannot take single settings with --export-yaml or --import-yaml'],
    [[''], 'cannot use a setting without a name'],
  ])('refuses %j', async (words, sentence) => {
    const { run, seen } = await operator({});
    const { status, stdout, stderr } = await run(['config', ...words], '');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`error: ${sentence}`);
    expect(seen).toEqual([]);
  });

  test('exports everything as YAML but what is never shown', async () => {
    const settings = [
      { key: 'proxy.domain', value: 'store', readable: true },
      { key: 'proxy.hsm.token-pin', value: '<redacted>', readable: false },
      { key: 'proxy.auth.secret', value: '<redacted>', readable: true },
    ];
    const { run } = await operator({
      'GET /ops/v1/config': { settings },
      'GET /ops/v1/config/proxy.domain': { key: 'proxy.domain', value: 'store' },
      'GET /ops/v1/config/proxy.auth.secret': { key: 'proxy.auth.secret', value: 's3cret' },
    });
    expect((await run(['config', '--export-yaml'])).stdout).toBe(
      'proxy.domain: store\nproxy.auth.secret: s3cret\n',
    );
    expect((await run(['config', '--export-yaml', '--import-yaml'], '')).status).toBe(2);
    const json = (await run(['config', '--export-yaml', '--json'])).stdout;
    expect(JSON.parse(json)).toEqual({ 'proxy.domain': 'store', 'proxy.auth.secret': 's3cret' });
  });

  test('does not mix showing and setting', async () => {
    const { run, seen } = await operator({});
    expect((await run(['config', 'proxy.domain', 'proxy.airgap=True'])).status).toBe(2);
    expect(seen).toEqual([]);
  });
});

describe('fetch-snaps', () => {
  test('hands the log-in file over and says where the archives are', async () => {
    const result = {
      files: [{ subject: 'jq', path: '/x/jq-20221026T104628.tar.gz', size: 1 }],
      tokenFile: null,
      snaps: [],
      accountKeys: [],
      warnings: ['jq needs the base core22'],
    };
    const { run, seen } = await operator({
      'POST /ops/v1/fetches': { workflowId: 'fetch', ui: null },
      'GET /ops/v1/operations/fetch?wait=2': { workflowId: 'fetch', status: 'completed', result },
    });
    const auth = await someFile('login');
    const outcome = await run([
      'fetch-snaps',
      'jq',
      '--channel=stable',
      '--architecture=amd64',
      '--auth',
      auth,
      '--store',
      'brand',
    ]);
    expect(outcome.stdout).toBe('Successfully exported snaps:\njq: /x/jq-20221026T104628.tar.gz\n');
    expect(outcome.stderr).toBe('warning: jq needs the base core22\n');
    expect(seen[0]?.body).toMatchObject({ kind: 'snaps', names: ['jq'], store: 'brand', credentials: 'x' });
    await run([
      'fetch-snaps',
      'jq',
      '--channel=stable',
      '--channel=edge',
      '--arch=arm64',
      '--architecture=amd64',
    ]);
    expect(seen.findLast(({ method }) => method === 'POST')?.body).toMatchObject({
      channels: ['stable', 'edge'],
      architectures: ['arm64', 'amd64'],
    });
  });

  test('takes a store as a whole, and refuses to fetch nothing', async () => {
    const { run, seen } = await operator({
      'POST /ops/v1/fetches': { workflowId: 'fetch', ui: null },
      'GET /ops/v1/operations/fetch?wait=2': {
        workflowId: 'fetch',
        status: 'completed',
        result: { files: [], tokenFile: null, snaps: [], accountKeys: [], warnings: [] },
      },
    });
    for (const args of [[], ['--store', 'brand'], ['--auth', 'login']])
      expect(await run(['fetch-snaps', ...args])).toMatchObject({
        status: 2,
        stderr:
          'error: cannot fetch nothing: name snaps, or a store by --store and a log-in for it by --auth\n',
      });
    expect(seen).toEqual([]);
    expect((await run(['fetch-snaps', '--store', 'brand', '--auth', await someFile('login')])).status).toBe(
      0,
    );
    expect(seen[0]?.body).toMatchObject({ kind: 'snaps', names: [], store: 'brand' });
  });

  test('says what came along because others need it, beside the documented output', async () => {
    const answers = (dependencies: readonly string[]) => ({
      'POST /ops/v1/fetches': { workflowId: 'fetch', ui: null },
      'GET /ops/v1/operations/fetch?wait=2': {
        workflowId: 'fetch',
        status: 'completed',
        result: {
          files: ['jq', ...dependencies].map((name) => ({
            subject: name,
            path: `/x/${name}.tar.gz`,
            size: 1,
          })),
          tokenFile: null,
          snaps: [],
          accountKeys: [],
          warnings: [],
          dependencies,
        },
      },
    });
    const { run, seen } = await operator(answers(['core24', 'snapd']));
    expect(await run(['fetch-snaps', 'jq', '--with-dependencies'])).toEqual({
      status: 0,
      stdout:
        'Successfully exported snaps:\njq: /x/jq.tar.gz\ncore24: /x/core24.tar.gz\nsnapd: /x/snapd.tar.gz\n',
      stderr: 'Came along, as others need it: core24, snapd.\n',
    });
    expect(seen[0]?.body).toMatchObject({ names: ['jq'], withDependencies: true });
    const alone = await operator(answers([]));
    expect((await alone.run(['fetch-snaps', 'jq', '--with-dependencies'])).stderr).toBe(
      'Nothing more had to come along.\n',
    );
  });

  test('a snap that the upstream store does not have ends it with the code of what is not there', async () => {
    const message = 'cannot fetch jq (latest/stable amd64): it is not there';
    const { run } = await operator({
      'POST /ops/v1/fetches': { workflowId: 'fetch', ui: null },
      'GET /ops/v1/operations/fetch?wait=2': {
        workflowId: 'fetch',
        status: 'failed',
        error: { kind: 'not-found', code: 'snap-not-upstream', message },
      },
    });
    expect(await run(['fetch-snaps', 'jq'])).toEqual({
      status: 5,
      stdout: '',
      stderr: `error: ${message}\n`,
    });
  });
});

describe('the bar on a terminal', () => {
  const at = (done: number, more: object = {}) => ({
    workflowId: 'x',
    status: 'running',
    progress: { step: 'unpacking', done, total: 4, unit: 'bytes' },
    ...more,
  });
  const over = (result: object) => ({ workflowId: 'x', status: 'completed', result });
  const bar = (filled: number, percent: string) =>
    `\r  [${'#'.repeat(filled)}${'-'.repeat(36 - filled)}]  ${percent}%`;

  /** What a command writes to standard error while the answers about its process follow each other. */
  async function shown(args: readonly string[], ...answers: readonly object[]) {
    const left = [...answers];
    const { url } = await answering({
      'POST /ops/v1/fetches': { workflowId: 'x', ui: null },
      'POST /ops/v1/imports': { workflowId: 'x', ui: null },
      'GET /ops/v1/operations/x?wait=2': () => left.shift(),
    });
    const env = { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'x' };
    return (await runCli('snap-store-proxy', args, { env, onTerminal: true })).stderr;
  }

  test('ends full when the work is done, and its line before a warning', async () => {
    const result = { files: [], tokenFile: null, snaps: [], accountKeys: [], warnings: ['edge is empty'] };
    expect(await shown(['fetch-snaps', 'jq'], at(0), at(2), over(result))).toBe(
      `${bar(0, '  0')}${bar(18, ' 50')}${bar(36, '100')}\nwarning: edge is empty\n`,
    );
    const archive = await someFile('store.tar.gz');
    expect(await shown(['push-store', archive], at(1), over({ ...imported, unchanged: true }))).toBe(
      `${bar(9, ' 25')}${bar(36, '100')}\nNothing changed: all that this file says is so already.\n`,
    );
  });

  test('stays where it was when the work fails', async () => {
    const error = { kind: 'invalid', code: 'x', message: 'cannot accept it' };
    const failed = { workflowId: 'x', status: 'failed', error };
    expect(await shown(['push-store', await someFile('store.tar.gz')], at(1), failed)).toBe(
      `${bar(9, ' 25')}\nerror: cannot accept it\n`,
    );
  });

  test('makes room for what is said meanwhile, and goes on below', async () => {
    const waiting = at(1, { waiting: { message: 'cannot reach the disk' } });
    const archive = await someFile('store.tar.gz');
    expect(await shown(['push-store', archive], at(1), waiting, at(2), over(imported))).toBe(
      `${bar(9, ' 25')}\ncannot reach the disk; trying again (Ctrl-C leaves it running)\n` +
        `${bar(9, ' 25')}\nIt goes on.\n${bar(18, ' 50')}${bar(36, '100')}\n`,
    );
  });

  test('does not appear for what is over at once', async () => {
    expect(await shown(['push-store', await someFile('store.tar.gz')], over(imported))).toBe('');
  });
});

test('a log-in that was refreshed is told on standard error, and the file it came from stays', async () => {
  const result = {
    files: [],
    tokenFile: null,
    snaps: [],
    accountKeys: [],
    warnings: [],
    loginRefreshed: 'https://login.example',
  };
  const { url } = await answering({
    'POST /ops/v1/fetches': { workflowId: 'x', ui: null },
    'GET /ops/v1/operations/x?wait=2': { workflowId: 'x', status: 'completed', result },
  });
  const env = { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'x' };
  const { stdout, stderr } = await runCli('snap-store-proxy', ['fetch-snaps', 'jq'], { env });
  expect(stdout).not.toContain('refreshed');
  expect(stderr).toBe(
    'The log-in was refreshed at https://login.example for this fetch; its file stays as it is.\n',
  );
});

describe('a part that is away while a process runs', () => {
  const why = 'cannot reach http://store.example: connect ECONNREFUSED; check proxy.upstream and the network';
  const running = (waiting: object | null) => ({ workflowId: 'x', status: 'running', waiting });
  const over = {
    workflowId: 'x',
    status: 'completed',
    result: { files: [], tokenFile: null, snaps: [], accountKeys: [], warnings: [] },
  };
  const said = `${why}; trying again (Ctrl-C leaves it running)\nIt goes on.\n`;

  /** A host whose answers about the process follow each other; undefined stands for a host that is just not there. */
  async function hostThat(...answers: readonly (object | undefined)[]) {
    const left = [...answers];
    const { url } = await answering({
      'POST /ops/v1/fetches': { workflowId: 'x', ui: null },
      'GET /ops/v1/operations/x?wait=2': () => left.shift(),
    });
    return { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'x' };
  }

  test('the upstream: said once, and once that it goes on', async () => {
    const env = await hostThat(running({ message: why }), running({ message: why }), running(null), over);
    const outcome = await runCli('snap-store-proxy', ['fetch-snaps', 'jq'], { env });
    expect(outcome).toMatchObject({ status: 0, stderr: said });
  });

  test('it goes on when it got further, not when one more attempt runs', async () => {
    const at = (done: number, waiting: object | null) => ({
      ...running(waiting),
      progress: { step: 'downloading', done, total: 100, unit: 'bytes' },
    });
    const away = { message: why };
    const attempts = [at(5, away), at(5, null), at(5, away), at(5, null), { ...at(5, null), progress: null }];
    const further = await hostThat(...attempts, at(6, null), at(7, null), over);
    const outcome = await runCli('snap-store-proxy', ['fetch-snaps', 'jq'], { env: further });
    expect(outcome).toMatchObject({ status: 0, stderr: said });

    const twice = await hostThat(...attempts, at(6, null), at(6, away), at(7, null), over);
    const again = await runCli('snap-store-proxy', ['fetch-snaps', 'jq'], { env: twice });
    expect(again).toMatchObject({ status: 0, stderr: `${said}${said}` });
  });

  test('one that ends in an error did not go on', async () => {
    const message = 'cannot find the snap "jq": the store has none of that name';
    const error = { kind: 'not-found', code: 'snap-unknown', message };
    const env = await hostThat(running({ message: why }), { workflowId: 'x', status: 'failed', error });
    const { stderr } = await runCli('snap-store-proxy', ['fetch-snaps', 'jq'], { env });
    expect(stderr).toBe(`${why}; trying again (Ctrl-C leaves it running)\nerror: ${message}\n`);
  });

  test('the host itself, which the command waits for', async () => {
    const env = await hostThat(running(null), undefined, over);
    const outcome = await runCli('snap-store-proxy', ['fetch-snaps', 'jq'], { env });
    expect(outcome.status).toBe(0);
    expect(outcome.stderr).toMatch(
      /^cannot [^\n]+; trying again \(Ctrl-C leaves it running\)\nIt goes on\.\n$/,
    );
  });

  test('a host that stays away is given up at last', async () => {
    const env = await hostThat(undefined);
    let minutes = 0;
    const now = () => new Date(Date.UTC(2026, 0, 1, 0, (minutes += 6)));
    const outcome = await runCli('snap-store-proxy', ['fetch-snaps', 'jq'], { env, now });
    expect(outcome.status).toBe(8);
  });
});

describe('only what is new', () => {
  const inventory = {
    format: 'airlock-inventory',
    version: 1,
    snaps: [{ name: 'jq', revisions: [{ revision: 1 }], components: [] }],
  };
  const result = { files: [], tokenFile: null, snaps: [], accountKeys: [], warnings: [] };
  const fetching = {
    'POST /ops/v1/fetches': { workflowId: 'fetch', ui: null },
    'GET /ops/v1/operations/fetch?wait=2': {
      workflowId: 'fetch',
      status: 'completed',
      result: { ...result, leftOut: { files: 3, bytes: 4096 } },
    },
  };

  test('export-inventory writes what is here', async () => {
    const { run } = await operator({ 'GET /ops/v1/inventory': inventory });
    const file = join(await temporaryFolder(), 'inventory.json');
    expect(await run(['export-inventory', file])).toMatchObject({
      status: 0,
      stdout: '',
      stderr: `Inventory of 1 snaps and 1 files: ${file}\n`,
    });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(inventory);
    expect(JSON.parse((await run(['export-inventory', '-'])).stdout)).toEqual(inventory);
    expect(await run(['export-inventory', '/nowhere/inventory.json'])).toMatchObject({
      status: 2,
      stderr: 'error: cannot write /nowhere/inventory.json: check that its folder exists and is yours\n',
    });
  });

  test('fetch-snaps says what it rests on, and what did not come along', async () => {
    const { run, seen } = await operator(fetching);
    const file = await someFile('inventory.json');
    const outcome = await run(['fetch-snaps', 'jq', '--inventory', file]);
    expect(outcome).toMatchObject({
      status: 0,
      stderr: 'Left out: 3 files of 4096 bytes, which must be where this goes to.\n',
    });
    expect(seen[0]?.body).toMatchObject({ basis: { kind: 'inventory', path: file } });
  });

  test.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T12:00+02:00', '2026-01-31T10:00:00.000Z'],
    ['20240109T123041', '2024-01-09T12:30:41.000Z'],
  ])('--since takes the time %s', async (since, at) => {
    const { run, seen } = await operator(fetching);
    expect((await run(['fetch-snaps', 'jq', '--since', since])).status).toBe(0);
    expect(seen[0]?.body).toMatchObject({ basis: { kind: 'time', at } });
  });

  test('--since takes an archive, and a folder of them', async () => {
    const { run, seen } = await operator(fetching);
    const file = await someFile('jq-20240109T123041.tar.gz');
    for (const path of [file, dirname(file)]) {
      await run(['fetch-snaps', 'jq', '--since', path]);
      const [asked] = seen.filter(({ method }) => method === 'POST').slice(-1);
      expect(asked?.body).toMatchObject({ basis: { kind: 'archives', path } });
    }
  });

  test.each([
    [['--since', 'yesterday'], 'cannot read yesterday: there is no such file or folder, and it is no time'],
    [['--since', '2026-13-45'], 'cannot use --since 2026-13-45: there is no such time'],
    [['--since', 'inventory.json'], 'cannot rest on inventory.json: --since takes .tar.gz archives'],
    [['--since', '2026-01-31', '--inventory', 'x'], 'cannot take --since and --inventory at once'],
    [['--inventory', '/nowhere'], 'cannot read /nowhere: there is no such file'],
  ])('%j is refused before anything is asked', async (options, sentence) => {
    const { run, seen } = await operator(fetching);
    const outcome = await run(['fetch-snaps', 'jq', ...options]);
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain(`error: ${sentence}`);
    expect(seen).toEqual([]);
  });
});

test('check-connections names what does not answer, and fails', async () => {
  const reached = await answering({ 'HEAD /': {} });
  const settings = [
    { key: 'proxy.upstream', value: reached.url },
    { key: 'proxy.sso.location', value: 'http://127.0.0.1:9' },
  ];
  const { run } = await operator({
    'GET /ops/v1/config': { settings },
    'GET /ops/v1/status': { database: 'ok', databaseServer: null },
    'GET /ops/v1/ca-certs': { pem: null },
  });
  const outcome = await run(['check-connections']);
  expect(outcome.status).toBe(8);
  expect(outcome.stdout).toMatch(
    new RegExp(
      `^http: http://127.0.0.1:9: FAILED \\(127.0.0.1:9\\) .+\nhttp: ${reached.url}: OK\nNot all connections are accessible\n$`,
    ),
  );
});

test('check-connections of a host that lost its PostgreSQL server says so, and tries nothing that it cannot know of', async () => {
  const { run, seen } = await operator({
    'GET /ops/v1/status': { database: 'unavailable', databaseServer: 'db.example' },
  });
  expect(await run(['check-connections'])).toEqual({
    status: 8,
    stdout: 'postgres: db.example: FAILED (db.example) no answer\nNot all connections are accessible\n',
    stderr: [
      'Nothing else was tried: the settings that say where it is are in the database.',
      'error: cannot reach the database: check that PostgreSQL runs, and AIRLOCK_DATABASE_URL of the host',
      '',
    ].join('\n'),
  });
  expect(seen.map(({ path }) => path)).toEqual(['/ops/v1/status']);
});

test('check-connections of a host whose PostgreSQL server takes no changes says so', async () => {
  const { run } = await operator({
    'GET /ops/v1/config': { settings: [] },
    'GET /ops/v1/status': { database: 'read-only', databaseServer: 'db.example' },
    'GET /ops/v1/ca-certs': { pem: null },
  });
  expect(await run(['check-connections'])).toEqual({
    status: 8,
    stdout:
      'postgres: db.example: FAILED (db.example) takes no changes\nNot all connections are accessible\n',
    stderr: 'error: cannot change the database: check that PostgreSQL is the primary server and writable\n',
  });
});

test('check-connections trusts whom the host trusts: the CAs of use-ca-certs alone, where it has some', async () => {
  const random = (size: number) => new Uint8Array(randomBytes(size));
  const serving = async (tls: CertificateAndKey) => {
    const fetchOf = () => new Response(null);
    const server = await startServer({ fetch: fetchOf, host: '127.0.0.1', port: 0, tls });
    onTestFinished(() => server.close(0));
    return server;
  };
  const tls = await selfSigned(['localhost', '127.0.0.1'], new Date(), random);
  const { cert } = tls;
  const upstream = await serving(tls);
  const check = async (pem: string | null, value = upstream.url) => {
    const settings = [{ key: 'proxy.upstream', value }];
    const { run } = await operator({
      'GET /ops/v1/config': { settings },
      'GET /ops/v1/status': { database: 'ok', databaseServer: null },
      'GET /ops/v1/ca-certs': { pem },
    });
    return run(['check-connections']);
  };
  const refused = 'certificate of a CA that is not trusted';
  expect((await check(null)).stdout).toContain(refused);
  expect(await check(cert)).toMatchObject({
    status: 0,
    stdout: `http: ${upstream.url}: OK\nAll connections appear to be accessible\n`,
  });
  const another = await selfSigned(['localhost', '127.0.0.1'], new Date(), random);
  expect((await check(another.cert)).stdout).toContain(refused);
  expect((await check(null)).stdout).toContain(refused);
  const old = await selfSigned(['127.0.0.1'], new Date('2000-01-01'), random);
  expect((await check(old.cert, (await serving(old)).url)).stdout).toContain('certificate has expired');
  const named = await selfSigned(['other.example'], new Date(), random);
  const elsewhere = await check(named.cert, (await serving(named)).url);
  expect(elsewhere.stdout).toContain('certificate is for another name');
});

test.each(['snap-store-proxy', 'snap-proxy', 'enterprise-store'] as const)(
  '%s is the same program',
  async (name) => {
    const { url } = await answering({ 'GET /ops/v1/pushed-snaps': { snaps: [] } });
    const env = { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'x' };
    expect((await runCli(name, ['list-pushed-snaps'], { env })).stdout).toBe('Name   Stores\n');
    expect((await runCli('airlock', ['snap-store-proxy', 'list-pushed-snaps'], { env })).stdout).toBe(
      'Name   Stores\n',
    );
  },
);
