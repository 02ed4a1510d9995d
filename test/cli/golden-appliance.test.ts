import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { decodeAssertion, decodePublicKey, encodeStream, text } from '../../src/assertions/index.ts';
import { answering, runCli } from '../support/cli.ts';
import { Device } from '../support/device.ts';
import { hasPostgreSql } from '../support/postgresql.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  filesIn,
  golden,
  startDocumentedHosts,
  type DocumentedHost,
  succeeded,
  type DocumentedHosts,
  type Names,
} from './documented-hosts.ts';

/** The keys of seed 001. */
const TEST_KEY = 'PPkB6XcYjkxzA9c6dXsaM0sg9r_d5DZ2kDYvWPTeuSXofXGzMDBt7DoD_Xiw3see';
const NEW_KEY = '4aPBeXLPu2xoriNr-6e1Ja448wC7IAS86Ijs6r0sHWiZ6Y9WYprxeWkK7HETCyh6';
const requestSchema = z.object({ account_key_request: z.string() });

let hosts: DocumentedHosts;
/** What the online host printed while it was online: a test of it ends with air-gapped mode, for good. */
let fetched: { readonly jq: string; readonly core: string; readonly metadata: string; readonly keys: string };
/** The same of a store's export. */
let exported: string;

beforeAll(async () => {
  hosts = await startDocumentedHosts();
  const { online, chain, logins } = hosts;
  const brand = ['--auth', logins.viewer, '--store', 'brand-devices'];
  fetched = {
    jq: await online.prints(['fetch-snaps', 'jq', '--channel=stable', '--architecture=amd64']),
    core: await online.prints(['fetch-snaps', 'core', '--channel=stable', '--architecture=amd64', ...brand]),
    metadata: await online.prints(['fetch-brand-store-metadata', 'brand-devices', logins.admin]),
    keys: await online.prints(['fetch-account-keys', 'my-brand', chain.modelKey.keyId]),
  };
  const store = ['export', 'store', 'brand-devices', '--key', chain.modelKey.keyId];
  exported = await online.prints([...store, '--auth', logins.both], 'store-admin');
}, 240_000);
afterAll(() => hosts.close());

const STORES = {
  'brand-main': 'your-brand-store-abc-main',
  'brand-devices': 'your-brand-store-abc-devices',
};

/** An export of the store, with the names of the document. */
const exportedStore = () => ({
  [hosts.chain.modelKey.keyId]: TEST_KEY,
  'brand-devices': 'myDeviceViewStoreID',
});

describe('an authority prints what the documents show', () => {
  test('of an export of a store and of snaps', async () => {
    const { authority, chain } = hosts;
    const store = ['export', 'store', 'brand-devices', '--key', chain.modelKey.keyId];
    expect(authority.documented(await authority.prints(store, 'store-admin'), exportedStore())).toBe(
      await golden('export-store'),
    );
    expect(authority.documented(await authority.prints(['export', 'snaps', 'jq'], 'store-admin'))).toBe(
      await golden('export-snaps'),
    );
  });

  test('of an export of a token, in a file that is for its owner', async () => {
    const { authority } = hosts;
    const { status, stdout, stderr } = await authority.run(
      ['export', 'token', 'ada@example.com'],
      'store-admin',
    );
    const [file = ''] = filesIn(stdout);
    const session = /-token-([0-9a-f]+)\.macaroon$/.exec(file)?.[1] ?? '';
    expect(status).toBe(0);
    expect(authority.documented(stdout, { [session]: 'SESSION' })).toBe(await golden('export-token'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(stdout + stderr).not.toContain((await readFile(file, 'utf8')).trim());
  });
});

describe('an online host prints what the documents show', () => {
  test('of fetches, and of an export of a store that its upstream has', async () => {
    const { online } = hosts;
    expect(online.documented(fetched.jq)).toBe(await golden('fetch-snaps'));
    expect(online.documented(fetched.metadata, { 'brand-devices': 'my-brand-store' })).toBe(
      await golden('fetch-brand-store-metadata'),
    );
    expect(online.documented(fetched.keys)).toBe(await golden('fetch-account-keys'));
    expect(online.documented(exported, exportedStore())).toBe(
      `Logging in as store admin...\n${await golden('export-store')}`,
    );
  });

  test('of overrides', async () => {
    const { online } = hosts;
    expect(await online.prints(['override', 'jq', 'stable=11'])).toBe(await golden('override'));
    expect(await online.prints(['list-overrides', 'jq'])).toBe(await golden('list-overrides'));
    for (const revision of [1700, 1703]) await online.prints(['override', 'core18', `stable=${revision}`]);
    expect(await online.prints(['delete-override', 'core18', 'stable'])).toBe(
      await golden('delete-override'),
    );
    expect(await online.prints(['list-overrides', 'core18'])).toBe('');
    await online.prints(['delete-override', 'jq', 'stable']);
  });

  test('of settings, of pushes, of its state, of air-gapped mode and certificates', async () => {
    const { online, authority, chain } = hosts;
    const prints = (args: readonly string[]) => online.prints(args);

    expect(await prints(['status'])).toContain(
      '\nStore ID:\nStatus: no store yet (push one, or set internal.store.id)\n',
    );
    expect(await prints(['config', 'proxy.domain=test-store'])).toBe(await golden('config-set'));
    expect(await prints(['config', 'proxy.domain'])).toBe(await golden('config-key'));
    expect(await prints(['config', 'proxy.domain', 'proxy.airgap'])).toBe(await golden('config-keys'));
    await prints(['add-admin', 'admin@brand.example']);
    const documented = {
      [authority.url]: 'https://api.snapcraft.io',
      [(await prints(['config', 'proxy.auth.secret'])).trim()]: 'SECRET',
    };
    expect(online.documented(await prints(['config', '--export-yaml']), documented)).toBe(
      await golden('config-export-yaml'),
    );
    await prints(['config', 'proxy.domain=', 'proxy.admin-emails=']);
    const connection = 'proxy.db.connection=postgresql://snapproxy:s3cret@10.126.46.135:5432/snapproxy';
    expect(await prints(['config', connection])).toBe(await golden('config-secret-set'));
    expect(online.documented(await prints(['config']), documented)).toBe(await golden('config'));
    expect(await online.run(['config', 'proxy.key.private'])).toMatchObject({ status: 0, stdout: '' });

    const exportOf = async (...args: string[]) =>
      filesIn(await authority.prints(['export', ...args], 'store-admin'))[0] ?? '';
    expect(await prints(['push-snap', await exportOf('snaps', 'helix')])).toContain(
      '[snap helix] Uploaded snap blob',
    );
    expect(await prints(['list-pushed-snaps'])).toBe(await golden('list-pushed-snaps'));
    const core24 = await exportOf('snaps', 'core24');
    expect(await prints(['push-snap', core24, '--push-channel-map'])).toBe(await golden('push-snap'));
    const store = await exportOf('store', 'brand-devices', '--key', chain.modelKey.keyId);
    expect(online.documented(await prints(['push-store', store]), STORES)).toBe(await golden('push-store'));
    expect(await prints(['config', 'internal.store.url=http://proxy.example.com'])).toBe(
      'internal.store.url: http://proxy.example.com\n',
    );
    const storeId = { 'brand-devices': '3dqTufgqR25SBaBoCuqCFwLcU01Gp24U' };
    expect(online.documented(await prints(['status']), storeId)).toBe(await golden('status-online'));

    expect(await prints(['enable-airgap-mode'])).toBe(await golden('enable-airgap-mode'));
    const secret = await prints(['config', 'proxy.device-auth.secret']);
    expect(secret).toMatch(/^[0-9a-f]{64}\n$/);
    expect(await prints(['enable-airgap-mode'])).toBe(await golden('enable-airgap-mode-again'));
    expect(await prints(['config', 'proxy.device-auth.secret'])).toBe(secret);
    const [services = '', imported = ''] = (await prints(['status'])).split('Imported stores:\n');
    expect(services.replace('Store ID: brand-devices', 'Store ID: id')).toBe(
      await golden('status-airgap-running'),
    );
    expect(imported).toMatch(
      /^ {2}brand-devices \(device-view store, includes all of brand-main, 1 snap of ubuntu\)\n {2}brand-main \(brand store\)\nImported account keys:\n( {2}\S{64} .+\n)+$/,
    );

    const selfSigned = await prints(['import-certificate', '--selfsigned']);
    const until = / until (\S+)\.$/m.exec(selfSigned)?.[1] ?? '';
    expect(new Date(until).getTime()).toBeGreaterThan(Date.now());
    expect(selfSigned.replace(until, 'TIME')).toBe(await golden('import-certificate'));
  });

  test.skipIf(!hasPostgreSql)('of its connections, PostgreSQL among them', async () => {
    await expectConnections(hosts.online, 'check-connections-postgres');
  });
});

describe('a host without PostgreSQL prints of its connections what the documents show', () => {
  test('where all answer', async () => {
    await expectConnections(hosts.authority, 'check-connections-ok');
  });

  test('where a name is unknown', async () => {
    // An empty label: no name service anywhere knows it, nor is one asked.
    await expectConnections(hosts.authority, 'check-connections-failed', {
      'proxy.sso.location': 'https://login..invalid',
    });
  });
});

/** Has a host check its connections: where none are given, servers of this machine are in the places of the public ones. */
async function expectConnections(host: DocumentedHost, documented: string, given: Names = {}): Promise<void> {
  const places = {
    'proxy.dashboard.location': 'dashboard.snapcraft.io',
    'proxy.sso.location': 'login.ubuntu.com',
    'proxy.upstream': 'api.snapcraft.io',
  };
  const before = (await host.prints(['config', 'proxy.upstream'])).trim();
  onTestFinished(async () => {
    await host.prints([
      'config',
      'proxy.dashboard.location=',
      'proxy.sso.location=',
      `proxy.upstream=${before}`,
    ]);
  });
  const names: Record<string, string> = {};
  for (const [key, name] of Object.entries(places)) {
    const address = given[key] ?? (await answering({})).url;
    names[address] = `https://${name}`;
    names[new URL(address).host] = name;
    await host.prints(['config', `${key}=${address}`]);
  }
  const { status, stdout } = await host.run(['check-connections']);
  expect(host.documented(stdout, names)).toBe(await golden(documented));
  expect(status).toBe(Object.keys(given).length === 0 ? 0 : 8);
}

test('an isolated host prints what the documents show, from the first push to the first device', async () => {
  const { airgap, chain } = hosts;
  const [core = ''] = filesIn(fetched.core);
  expect(await airgap.prints(['push-snap', core])).toContain(
    '[snap core] Uploaded snap blob and assertions for core revision 13250\n',
  );
  const [metadata = ''] = filesIn(fetched.metadata);
  expect(airgap.documented(await airgap.prints(['push-brand-store-metadata', metadata]), STORES)).toBe(
    await golden('push-brand-store-metadata'),
  );
  // No document shows an output of it: the keys are named beside it.
  expect(await airgap.run(['push-account-keys', ...filesIn(fetched.keys)])).toEqual({
    status: 0,
    stdout: '',
    stderr: `Account key ${chain.modelKey.keyId} imported.\n`,
  });
  const [store = '', token = ''] = filesIn(exported);
  await airgap.prints(['push-store', store]);

  const env = {
    AIRLOCK_HOME: await temporaryFolder(),
    BRAND_ACCOUNT_ID: 'my-brand',
    STORE_ADMIN_TOKEN: (await readFile(token, 'utf8')).trim(),
  };
  const ids: Record<string, string> = { [airgap.url]: 'URL' };
  /** What a command prints, with the document's keys in place of those that were made here. */
  const admin = async (args: readonly string[], input = '') =>
    airgap.documented(succeeded(args, await runCli('store-admin', args, { env, input })), ids);
  const makeKey = async (name: string, documented: string) => {
    const shown = await admin(['create', 'key', name]);
    const id = new RegExp(`^${name} +(\\S{64})$`, 'm').exec(await admin(['list', 'keys']))?.[1] ?? '';
    ids[id] = documented;
    return { id, shown };
  };
  const register = async (keyId: string) => {
    const globalStore = await answering({ 'POST /dev/api/account/account-key': {} });
    const shown = await admin(['register-key', keyId, '--authority', globalStore.url]);
    const { account_key_request: sent } = requestSchema.parse(globalStore.seen[0]?.body);
    const request = decodeAssertion(Buffer.from(sent));
    const since = { since: text(request, 'since') };
    const key = decodePublicKey(request.body);
    const file = join(await temporaryFolder(), 'account-key.assert');
    await writeFile(file, encodeStream([await chain.accountKey(key, text(request, 'name'), since)]));
    expect(await airgap.prints(['push-account-keys', file])).toBe('');
    return shown;
  };
  const policy = (keyId: string) => admin(['create', 'serial-policy'], `model-a\n${keyId}\n`);

  expect(await admin(['login', '--offline', airgap.url, 'ada@example.com'])).toBe(await golden('login'));
  expect((await stat(join(env.AIRLOCK_HOME, 'store-admin.json'))).mode & 0o777).toBe(0o600);
  expect(await admin(['whoami'])).toBe(await golden('whoami'));
  const first = await makeKey('test-key', TEST_KEY);
  expect(first.shown).toBe(await golden('create-key'));
  expect(await admin(['list', 'keys'])).toBe(await golden('list-keys-one'));
  expect(await register(first.id)).toBe(await golden('register-key'));
  expect(await admin(['create', 'model', 'model-a'], 'model-a-apikey\n')).toBe(await golden('create-model'));
  expect(await policy(first.id)).toBe(await golden('create-serial-policy'));
  expect(await admin(['list', 'models'])).toBe(await golden('list-models-first'));
  const second = await makeKey('new-key', NEW_KEY);
  expect(await admin(['list', 'keys'])).toBe(await golden('list-keys'));
  await register(second.id);
  expect(await policy(second.id)).toBe(await golden('create-serial-policy-again'));
  expect(await admin(['list', 'models'])).toBe(await golden('list-models'));

  const device = await Device.make({
    store: airgap.url,
    headers: { 'api-key': 'model-a-apikey' },
    model: await chain.model('model-a', { store: 'brand-devices' }),
    roots: chain.roots,
    seed: chain.brand,
    proposedSerial: '8f1b2c3d',
    keyBits: 2048,
  });
  await device.requestSerial();
  await device.openSession();
  const devices = await airgap.prints(['list-devices']);
  expect(devices.replace(/\d{4}-\d\d-\d\dT\S+Z/, 'TIME')).toBe(await golden('list-devices'));
});
