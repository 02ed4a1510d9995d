import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { Settings } from '../../src/config/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { answering, operationAt, runCli } from '../support/cli.ts';

/** Outputs of the documented commands that are kept word for word (protocol/operators.md, sections 1 and 2; seed 000). */
async function golden(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, 'golden', `${name}.txt`), 'utf8');
}

async function operator(answers: Readonly<Record<string, unknown>>) {
  const { url } = await answering(answers);
  const env = {
    AIRLOCK_URL: url,
    AIRLOCK_OPERATOR_TOKEN: 'operator',
    SNAP_USER_COMMON: await temporaryFolder(),
  };
  return (...args: string[]) => runCli('snap-store-proxy', args, { env });
}

const nothing = { files: [], tokenFile: null, snaps: [], accountKeys: [], warnings: [] };

describe('check-connections', () => {
  const addresses = {
    dashboard: 'https://dashboard.snapcraft.io',
    login: 'https://login.ubuntu.com',
    upstream: 'https://api.snapcraft.io',
  };

  /** The documented text, with the addresses that answer here in place of the public ones. */
  async function check(name: string, found: Readonly<Record<keyof typeof addresses, string>>) {
    const settings = [
      { key: 'proxy.upstream', value: found.upstream },
      { key: 'proxy.dashboard.location', value: found.dashboard },
      { key: 'proxy.sso.location', value: found.login },
    ];
    const run = await operator({
      'GET /ops/v1/config': { settings },
      'GET /ops/v1/status': { database: 'ok', databaseServer: null },
      'GET /ops/v1/ca-certs': { pem: null },
    });
    const { status, stdout } = await run('check-connections');
    const here = stdout
      .replace(found.dashboard, addresses.dashboard)
      .replace(found.upstream, addresses.upstream)
      .replace(found.login, addresses.login)
      .replace(new URL(found.login).host, new URL(addresses.login).host);
    expect(here).toBe(await golden(`check-connections-${name}`));
    return status;
  }

  test('when all answer, in the documented order', async () => {
    const [dashboard, login, upstream] = await Promise.all(
      ['dashboard', 'login', 'upstream'].map(async () => (await answering({})).url),
    );
    if (!dashboard || !login || !upstream) throw new Error('there are three');
    expect(await check('ok', { dashboard, login, upstream })).toBe(0);
  });

  test('when a name is unknown', async () => {
    const [dashboard, upstream] = [(await answering({})).url, (await answering({})).url];
    // An empty label: no name service anywhere knows it, nor is one asked.
    expect(await check('failed', { dashboard, login: 'https://login..invalid', upstream })).toBe(8);
  });
});

describe('config', () => {
  const listed = (set: ReadonlyMap<string, string>) => ({
    settings: new Settings(set).listed().map(({ key, shown }) => ({ key, value: shown })),
  });

  test('lists every documented setting with its default, and of a connection all but the password', async () => {
    const connection = 'postgresql://snapproxy:s3cret@10.126.46.135:5432/snapproxy';
    const run = await operator({
      'GET /ops/v1/config': listed(new Map([['proxy.db.connection', connection]])),
    });
    expect((await run('config')).stdout).toBe(await golden('config'));
  });

  test('echoes what it set', async () => {
    const run = await operator({
      'PATCH /ops/v1/config': {},
      'GET /ops/v1/config': listed(new Map([['proxy.domain', 'test-store']])),
    });
    expect((await run('config', 'proxy.domain=test-store')).stdout).toBe(await golden('config-set'));
  });

  test('--export-yaml has what was set and what is usual, secrets too', async () => {
    const settings = new Settings(
      new Map([
        ['proxy.domain', 'test-store'],
        ['proxy.auth.secret', '0123'],
        ['proxy.admin-emails', '["admin@brand.example"]'],
      ]),
    );
    const answers: Record<string, unknown> = { 'GET /ops/v1/config': listed(new Map()) };
    for (const { key } of settings.listed())
      answers[`GET /ops/v1/config/${key}`] = { key, value: settings.text(key) ?? 'None' };
    const run = await operator(answers);
    expect((await run('config', '--export-yaml')).stdout).toBe(await golden('config-export-yaml'));
  });
});

describe('overrides', () => {
  test('override', async () => {
    const places = [{ architecture: 'amd64', revision: 11, upstreamRevision: 6 }];
    const run = await operator({ 'POST /ops/v1/overrides': { snapName: 'jq', channel: 'stable', places } });
    expect((await run('override', 'jq', 'stable=11')).stdout).toBe(await golden('override'));
  });

  test('list-overrides', async () => {
    const one = { architecture: 'amd64', revision: 11, upstreamRevision: 6 };
    const overrides = [{ snapName: 'jq', channel: 'stable', ...one }];
    const run = await operator({ 'GET /ops/v1/overrides?snap=jq': { overrides } });
    expect((await run('list-overrides', 'jq')).stdout).toBe(await golden('list-overrides'));
  });

  test('delete-override, one line for each architecture', async () => {
    const places = [
      { architecture: 'amd64', revision: null, upstreamRevision: 1705 },
      { architecture: 'arm64', revision: null, upstreamRevision: 1708 },
    ];
    const run = await operator({
      'POST /ops/v1/overrides': { snapName: 'core18', channel: 'stable', places },
    });
    expect((await run('delete-override', 'core18', 'stable')).stdout).toBe(await golden('delete-override'));
  });
});

test('list-pushed-snaps', async () => {
  const snaps = [{ name: 'helix', stores: ['ubuntu'], revisions: [] }];
  const run = await operator({ 'GET /ops/v1/pushed-snaps': { snaps } });
  expect((await run('list-pushed-snaps')).stdout).toBe(await golden('list-pushed-snaps'));
});

describe('fetches, exports and pushes', () => {
  const folder = '/var/lib/airlock/exports';

  test('fetch-snaps', async () => {
    const files = [{ subject: 'jq', path: `${folder}/jq-20221026T104628.tar.gz`, size: 1 }];
    const run = await operator(operationAt('POST /ops/v1/fetches', { ...nothing, files }));
    expect((await run('fetch-snaps', 'jq', '--channel=stable', '--architecture=amd64')).stdout).toBe(
      await golden('fetch-snaps'),
    );
  });

  test('fetch-brand-store-metadata', async () => {
    const path = `${folder}/my-brand-store-metadata-20240109T123041.json`;
    const files = [{ subject: 'my-brand-store', path, size: 1 }];
    const run = await operator(operationAt('POST /ops/v1/fetches', { ...nothing, files }));
    const login = join(import.meta.dirname, 'golden', 'login.txt');
    expect((await run('fetch-brand-store-metadata', 'my-brand-store', login)).stdout).toBe(
      await golden('fetch-brand-store-metadata'),
    );
  });

  test('fetch-account-keys', async () => {
    const files = [{ subject: 'my-brand', path: `${folder}/my-brand-keys-20240109T123041.assert`, size: 1 }];
    const run = await operator(operationAt('POST /ops/v1/fetches', { ...nothing, files }));
    expect((await run('fetch-account-keys', 'my-brand', 'K'.repeat(64))).stdout).toBe(
      await golden('fetch-account-keys'),
    );
  });

  test('store-admin export snaps', async () => {
    const path = '/home/ubuntu/snap/store-admin/common/export/jq-20221026T104628.tar.gz';
    const { url } = await answering(
      operationAt('POST /ops/v1/exports', {
        ...nothing,
        files: [{ subject: 'jq', path, size: 1 }],
        snaps: [{ name: 'jq', revision: 6, channel: 'latest/stable', architecture: 'amd64' }],
      }),
    );
    const env = {
      AIRLOCK_URL: url,
      AIRLOCK_OPERATOR_TOKEN: 'operator',
      SNAP_USER_COMMON: await temporaryFolder(),
    };
    expect((await runCli('store-admin', ['export', 'snaps', 'jq'], { env })).stdout).toBe(
      await golden('export-snaps'),
    );
  });

  const pushed = {
    unchanged: false,
    snaps: [],
    stores: ['your-brand-store-abc-devices', 'your-brand-store-abc-main', 'ubuntu'],
    accountKeys: [],
    admin: null,
    exporter: null,
    exporterPinned: false,
  };
  const someFile = join(import.meta.dirname, 'golden', 'login.txt');

  test('push-brand-store-metadata', async () => {
    const run = await operator(operationAt('POST /ops/v1/imports', pushed));
    expect((await run('push-brand-store-metadata', someFile)).stdout).toBe(
      await golden('push-brand-store-metadata'),
    );
  });

  test('push-account-keys, of which no document shows an output: nothing, and the keys beside it', async () => {
    const key = 'K'.repeat(64);
    const run = await operator(
      operationAt('POST /ops/v1/imports', { ...pushed, stores: [], accountKeys: [key] }),
    );
    expect(await run('push-account-keys', someFile)).toEqual({
      status: 0,
      stdout: '',
      stderr: `Account key ${key} imported.\n`,
    });
  });
});
