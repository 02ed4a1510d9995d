import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import {
  decodeAssertion,
  decodePublicKey,
  encodeStream,
  text,
  type Assertion,
} from '../../src/assertions/index.ts';
import { exportSnaps, exportStore } from '../../src/workflows/index.ts';
import { answering, runCli } from '../support/cli.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../support/postgresql.ts';
import { Server } from '../support/programs.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { newOutside, storeExport, type Outside } from '../workflows/carried-store.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

async function golden(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, 'golden', `${name}.txt`), 'utf8');
}

/** `airlock up` as its operator starts it, on an empty folder. */
async function appliance(role: 'online' | 'airgap', more: Readonly<Record<string, string>> = {}) {
  const data = join(await temporaryFolder(), 'data');
  const ports = ['--port', '0', '--https-port', '0', '--temporal-port', '0', '--temporal-ui-port', '0'];
  const server = await Server.start(['up', '--role', role, '--data', data, ...ports], {
    AIRLOCK_LOG_LEVEL: 'error',
    ...more,
  });
  onTestFinished(() => server.stop().then(() => undefined));
  const env = { AIRLOCK_DATA: data, SNAP_USER_COMMON: await temporaryFolder() };
  const run = (args: readonly string[]) => runCli('snap-store-proxy', args, { env });
  return {
    url: server.url,
    run,
    trust: (file: string) => runCli('airlock', ['trust', 'add', file], { env }),
    /** What a command prints that must succeed, with our names replaced by those of the document. */
    async prints(args: readonly string[], names: Readonly<Record<string, string>> = {}): Promise<string> {
      const { status, stdout, stderr } = await run(args);
      if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
      return Object.entries(names).reduce((text, [ours, theirs]) => text.replaceAll(ours, theirs), stdout);
    },
  };
}

/** What was carried: a store of a brand with the snaps that the documents show, and some of them alone. */
async function carried(outside: Outside) {
  const general = { store: 'ubuntu', channels: ['latest/stable'] };
  await outside.publish({ name: 'core', version: '16', type: 'base' }, { ...general, revision: 13250 });
  await outside.publish({ name: 'core24', version: '24', type: 'base' }, { ...general, revision: 1196 });
  await outside.publish(
    { name: 'helix', version: '1', type: 'app', base: 'core24' },
    { ...general, revision: 7 },
  );
  await outside.include('core');
  const folder = await temporaryFolder();
  const root = join(folder, 'root.assert');
  await writeFile(root, encodeStream(outside.chain.roots));
  const keys = join(folder, 'my-brand-keys.assert');
  await writeFile(keys, encodeStream(outside.chain.brand));
  const { activities } = outside.host;
  return withWorkers(temporal, { airlock: activities, transfer: activities }, async (client) => {
    const start = { taskQueue: 'airlock' };
    const snaps = async (name: string) => {
      const input = {
        kind: 'snaps',
        names: [name],
        packages: [],
        channels: ['latest/stable'],
        architectures: ['amd64'],
        store: null,
        exportDir: null,
        actor: 'operator',
      } as const;
      const made = await client.workflow.execute(exportSnaps, {
        ...start,
        workflowId: `export-snaps/${name}`,
        args: [input],
      });
      return made.files[0]?.path ?? '';
    };
    const store = await client.workflow.execute(exportStore, {
      ...start,
      workflowId: 'export-store/documented',
      args: [storeExport()],
    });
    return {
      root,
      keys,
      store: store.files[0]?.path ?? '',
      token: store.tokenFile ?? '',
      helix: await snaps('helix'),
      core24: await snaps('core24'),
    };
  });
}

/** The keys of seed 001. */
const TEST_KEY = 'PPkB6XcYjkxzA9c6dXsaM0sg9r_d5DZ2kDYvWPTeuSXofXGzMDBt7DoD_Xiw3see';
const NEW_KEY = '4aPBeXLPu2xoriNr-6e1Ja448wC7IAS86Ijs6r0sHWiZ6Y9WYprxeWkK7HETCyh6';
const requestSchema = z.object({ account_key_request: z.string() });

/** The account-key that the global store makes of a request. */
function vouched({ chain }: Outside, sent: string): Promise<Assertion> {
  const request = decodeAssertion(Buffer.from(sent));
  const headers = { since: text(request, 'since') };
  return chain.accountKey(decodePublicKey(request.body), text(request, 'name'), headers);
}

/** Nothing answers here in the place of a host: these are the commands and the appliance that ship. */
describe('what the documents show of a host, from the host itself', () => {
  test('status, config, pushes, air-gapped mode and certificates', { timeout: 240_000 }, async () => {
    const files = await carried(await newOutside());
    const { run, prints, trust } = await appliance('online');

    expect(await prints(['status'])).toContain(
      '\nStore ID:\nStatus: no store yet (push one, or set internal.store.id)\n',
    );
    expect(await prints(['config', 'proxy.domain=test-store'])).toBe(await golden('config-set'));
    expect(await prints(['config', 'proxy.domain'])).toBe(await golden('config-key'));
    expect(await prints(['config', 'proxy.domain', 'proxy.airgap'])).toBe(await golden('config-keys'));
    const connection = 'proxy.db.connection=postgresql://snapproxy:s3cret@10.126.46.135:5432/snapproxy';
    expect(await prints(['config', connection])).toBe(await golden('config-secret-set'));
    expect(await run(['config', 'proxy.key.private'])).toMatchObject({ status: 0, stdout: '' });

    expect((await trust(files.root)).status).toBe(0);
    expect(await prints(['push-snap', files.helix])).toContain('[snap helix] Uploaded snap blob');
    expect(await prints(['list-pushed-snaps'])).toBe(await golden('list-pushed-snaps'));
    expect(await prints(['push-snap', files.core24, '--push-channel-map'])).toBe(await golden('push-snap'));
    const stores = {
      'brand-main': 'your-brand-store-abc-main',
      'brand-devices': 'your-brand-store-abc-devices',
    };
    expect(await prints(['push-store', files.store], stores)).toBe(await golden('push-store'));

    expect(await prints(['push-account-keys', files.keys])).toBe('');
    expect(await prints(['config', 'internal.store.url=http://proxy.example.com'])).toBe(
      'internal.store.url: http://proxy.example.com\n',
    );
    const online = { 'brand-devices': '3dqTufgqR25SBaBoCuqCFwLcU01Gp24U' };
    expect(await prints(['status'], online)).toBe(await golden('status-online'));

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
      /^ {2}brand-devices\n {2}brand-main\nImported account keys:\n( {2}\S{64} .+\n)+$/,
    );

    const selfSigned = await prints(['import-certificate', '--selfsigned']);
    const until = / until (\S+)\.$/m.exec(selfSigned)?.[1] ?? '';
    expect(new Date(until).getTime()).toBeGreaterThan(Date.now());
    expect(selfSigned.replace(until, 'TIME')).toBe(await golden('import-certificate'));
  });

  test('the Model Service, from the log-in to the second key', { timeout: 240_000 }, async () => {
    const outside = await newOutside();
    const files = await carried(outside);
    const { url, prints, trust } = await appliance('airgap');
    expect((await trust(files.root)).status).toBe(0);
    await prints(['push-store', files.store]);
    await prints(['push-account-keys', files.keys]);

    const env = {
      AIRLOCK_HOME: await temporaryFolder(),
      BRAND_ACCOUNT_ID: 'my-brand',
      STORE_ADMIN_TOKEN: (await readFile(files.token, 'utf8')).trim(),
    };
    const ids = new Map<string, string>();
    /** What a command prints, with the document's keys in place of those that were made here. */
    const admin = async (args: readonly string[], input = '') => {
      const { status, stdout, stderr } = await runCli('store-admin', args, { env, input });
      if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
      return [...ids].reduce((text, [ours, theirs]) => text.replaceAll(ours, theirs), stdout);
    };
    const makeKey = async (name: string, documented: string) => {
      const shown = await admin(['create', 'key', name]);
      const id = new RegExp(`^${name} +(\\S{64})$`, 'm').exec(await admin(['list', 'keys']))?.[1] ?? '';
      ids.set(id, documented);
      return { id, shown };
    };
    const register = async (keyId: string) => {
      const globalStore = await answering({ 'POST /dev/api/account/account-key': {} });
      const shown = await admin(['register-key', keyId, '--authority', globalStore.url]);
      const { account_key_request: sent } = requestSchema.parse(globalStore.seen[0]?.body);
      const file = join(await temporaryFolder(), 'account-key.assert');
      await writeFile(file, encodeStream([await vouched(outside, sent)]));
      expect(await prints(['push-account-keys', file])).toBe('');
      return shown;
    };
    const policy = (keyId: string) => admin(['create', 'serial-policy'], `model-a\n${keyId}\n`);

    expect(await admin(['login', '--offline', url, 'ada@example.com'])).toBe(await golden('login'));
    const first = await makeKey('test-key', TEST_KEY);
    expect(first.shown).toBe(await golden('create-key'));
    expect(await admin(['list', 'keys'])).toBe(await golden('list-keys-one'));
    expect(await register(first.id)).toBe(await golden('register-key'));
    expect(await admin(['create', 'model', 'model-a'], 'model-a-apikey\n')).toBe(
      await golden('create-model'),
    );
    expect(await policy(first.id)).toBe(await golden('create-serial-policy'));
    expect(await admin(['list', 'models'])).toBe(await golden('list-models-first'));
    const second = await makeKey('new-key', NEW_KEY);
    expect(await admin(['list', 'keys'])).toBe(await golden('list-keys'));
    await register(second.id);
    expect(await policy(second.id)).toBe(await golden('create-serial-policy-again'));
    expect(await admin(['list', 'models'])).toBe(await golden('list-models'));
  });

  test.skipIf(!hasPostgreSql)('check-connections with PostgreSQL', { timeout: 120_000 }, async () => {
    const database = (await temporaryPostgreSql()).replace('127.0.0.1', 'localhost');
    const { run } = await appliance('online', { AIRLOCK_DATABASE_URL: database });
    const documented = {
      'proxy.dashboard.location': 'https://dashboard.snapcraft.io',
      'proxy.sso.location': 'https://login.ubuntu.com',
      'proxy.upstream': 'https://api.snapcraft.io',
    };
    const here = new Map<string, string>();
    for (const key of Object.keys(documented)) here.set(key, (await answering({})).url);
    const settings = [...here].map(([key, address]) => `${key}=${address}`);
    expect(await run(['config', ...settings])).toMatchObject({ status: 0 });
    const { status, stdout } = await run(['check-connections']);
    const text = Object.entries(documented).reduce(
      (shown, [key, address]) => shown.replace(here.get(key) ?? '', address),
      stdout,
    );
    expect({ status, text }).toEqual({ status: 0, text: await golden('check-connections-postgres') });
  });
});
