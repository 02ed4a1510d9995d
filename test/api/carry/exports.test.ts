import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { accountExport, accountExportStarted } from '../../../src/api/carry/export-contract.ts';
import { encodeInventory, readBundleHead } from '../../../src/bundles/index.ts';
import { addCaveat, tokenDigest } from '../../../src/publishers/index.ts';
import { importStore } from '../../../src/workflows/index.ts';
import { runCli } from '../../support/cli.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../../support/temporal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { importInput, newOutside, trustingHost, type Host } from '../../workflows/carried-store.ts';
import { authority } from '../../workflows/carrying.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const on = <Answer>(host: Host, work: (client: Client) => Promise<Answer>): Promise<Answer> =>
  withHost(temporal, host, work);

/** The journey's store at an authority that exports, and people with log-in files who have no operator's token. */
async function journey() {
  onTestFinished(async () => {
    // The accounts of every test have the same names, and a failed one leaves its exports.
    for (const id of ['ada/1', 'ada/2', 'my-brand/1', 'my-brand/2'])
      await temporal.client.workflow
        .getHandle(`account-export/${id}`)
        .terminate()
        .catch(() => undefined);
  });
  const outside = await newOutside();
  await outside.publishJourney();
  const { url, ...people } = await authority(outside, temporal);
  const folder = await temporaryFolder();
  /** What somebody's command does on a machine of their own. */
  const exportBy = async (login: string, what: readonly string[]) => {
    const file = join(await temporaryFolder(), 'login');
    await writeFile(file, login);
    const args = ['export', ...what, '--auth', file, '--export-dir', folder, '--url', url];
    return runCli('store-admin', args, { env: {} });
  };
  const ask = (login: string, path: string, init: RequestInit = {}) =>
    fetch(`${url}/carry/v1/exports/${path}`, {
      ...init,
      headers: { authorization: `Macaroon root="${login}"`, ...init.headers },
    });
  const begin = async (login: string, store: string, body: object) =>
    ask(login, store, { method: 'POST', body: JSON.stringify(body) });
  const accounts = join(outside.host.folder, 'exports', 'accounts');
  const nothingLeft = () =>
    expect.poll(() => readdir(accounts).catch(() => []), { timeout: 60_000 }).toEqual([]);
  return { outside, folder, exportBy, ask, begin, nothingLeft, ...people };
}

const refusalSchema = z.object({
  'error-list': z.tuple([z.object({ code: z.string(), message: z.string() })]),
});
async function refusal(answer: Promise<Response>) {
  const response = await answer;
  const [{ code, message }] = refusalSchema.parse(await response.json())['error-list'];
  return { status: response.status, code, message };
}

/** Waits until all of an export is there. */
async function ready(ask: (login: string, path: string) => Promise<Response>, login: string, path: string) {
  for (;;) {
    const found = accountExport.parse(await (await ask(login, `${path}?wait=5`)).json());
    if (found.status !== 'running') return found;
  }
}

const storeWish = { kind: 'store', channels: ['latest/stable'], architectures: ['amd64'] };

describe('a brand’s admin, who has no operator’s token', () => {
  test('exports the store to a machine of their own, and it can be pushed', async () => {
    const { outside, folder, exportBy, login, nothingLeft } = await journey();
    const ada = await login('ada', 'package_access', 'store_admin');
    const key = outside.chain.brand[1]?.primaryKey[0] ?? '';
    const made = await on(outside.host, async () => {
      const ended = await exportBy(ada, ['store', 'brand-devices', '--key', key]);
      await nothingLeft();
      return ended;
    });
    expect(made).toMatchObject({ status: 0, stderr: '' });
    const [archive = '', token = ''] = (await readdir(folder)).toSorted().toReversed();
    const stem = join(folder, archive.replace('.tar.gz', ''));
    expect(archive).toMatch(/^store-export-brand-devices-\d{8}T\d{6}\.tar\.gz$/);
    const bar = `  [${'#'.repeat(36)}]  100%`;
    expect(made.stdout.split('\n')).toEqual([
      'Logging in as store admin...',
      'Downloading store metadata and assertion...',
      'Downloading store admin account details and assertion...',
      'Downloading snap declaration for my-app...',
      'Downloading snap declaration for my-base...',
      'Downloading snap declaration for snapd...',
      `Downloading account-key ${key}...`,
      'Downloading my-app revision 1 (latest/stable amd64)',
      bar,
      'Downloading my-base revision 5 (latest/stable amd64)',
      bar,
      'Downloading snapd revision 9 (latest/stable amd64)',
      bar,
      'Creating the export archive...',
      `Store data exported to: ${stem}.tar.gz`,
      `Admin token exported to: ${stem}.macaroon`,
      'Admin token usage:',
      `    export STORE_ADMIN_TOKEN=$(cat ${stem}.macaroon)`,
      '',
    ]);
    expect((await stat(join(folder, token))).mode & 0o777).toBe(0o600);

    const acts = await outside.host.database.queries
      .selectFrom('AuditEntry')
      .select(['actor', 'act', 'subject'])
      .execute();
    expect(acts).toContainEqual({ actor: 'ada', act: 'store.export', subject: 'brand-devices' });

    // The token is for who exported, for this store alone, and ends with the log-in.
    const { manifest } = await readBundleHead(`${stem}.tar.gz`);
    expect(manifest.admin).toMatchObject({
      accountId: 'ada',
      tokenDigest: tokenDigest(await readFile(`${stem}.macaroon`, 'utf8')),
    });
    const rows = await outside.host.database.queries.selectFrom('Token').selectAll().execute();
    const byKind = new Map(rows.map((row) => [row.kind, row]));
    expect(byKind.get('admin')).toMatchObject({
      accountId: 'ada',
      storeId: 'brand-devices',
      revokedAt: null,
      expiresAt: byKind.get('publisher')?.expiresAt,
    });

    const inside = await trustingHost(outside);
    const outcome = await on(inside, async (client) => {
      const input = await importInput('store', `${stem}.tar.gz`);
      return client.workflow.execute(importStore, {
        workflowId: `import/${input.digest}`,
        taskQueue: 'airlock',
        args: [input],
      });
    });
    expect(outcome).toMatchObject({ unchanged: false, admin: { accountId: 'ada' } });
  });

  test('goes on with an export that was interrupted, and with what is here of it', async () => {
    const { outside, folder, exportBy, ask, begin, login, nothingLeft } = await journey();
    const ada = await login('ada', 'package_access', 'store_admin');
    const made = await on(outside.host, async () => {
      const wish = { ...storeWish, keys: [], snaps: true, withDependencies: false };
      const { id } = accountExportStarted.parse(await (await begin(ada, 'brand-devices', wish)).json());
      const { result } = await ready(ask, ada, `brand-devices/${id}`);
      const { name = '', size = 0 } = result?.files[0] ?? {};
      const path = `brand-devices/${id}/files/${name}`;
      const half = Math.floor(size / 2);
      const first = await ask(ada, path, { headers: { range: `bytes=0-${half - 1}` } });
      expect(first.status).toBe(206);
      expect(first.headers.get('content-range')).toBe(`bytes 0-${half - 1}/${size}`);
      expect(first.headers.get('cache-control')).toBe('no-store');
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, `${name}.part`), Buffer.from(await first.arrayBuffer()));
      const ended = await exportBy(ada, ['store', 'brand-devices']);
      await nothingLeft();
      return ended;
    });
    expect(made.stderr).toMatch(/^Going on with the export of \S+, which was not fetched\.\n$/);
    expect(made.status).toBe(0);
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('leaves out what an inventory of the other side names; it is sent, and goes with the export', async () => {
    const { outside, folder, exportBy, login, nothingLeft } = await journey();
    const ada = await login('ada', 'package_access', 'store_admin');
    const { sha3_384: digest, size } = await outside.host.database.queries
      .selectFrom('SnapRevision')
      .innerJoin('Snap', 'Snap.snapId', 'SnapRevision.snapId')
      .select(['sha3_384', 'size'])
      .where('name', '=', 'snapd')
      .executeTakeFirstOrThrow();
    const inventory = join(await temporaryFolder(), 'inventory.json');
    const listed = { snapId: 's', name: 'snapd', revisions: [{ revision: 9, digest, size }], components: [] };
    const content = encodeInventory({
      format: 'airlock-inventory',
      version: 1,
      writtenAt: '2026-01-01T00:00:00.000Z',
      stores: [],
      snaps: [listed],
      assertions: [],
      lastImport: null,
    });
    await writeFile(inventory, content);
    const args = ['store', 'brand-devices', '--inventory', inventory];
    await on(outside.host, async () => {
      const made = await exportBy(ada, args);
      expect(made.stderr).toBe(`Left out: 1 files of ${size} bytes, which must be where this goes to.\n`);
      await nothingLeft();
      await writeFile(inventory, '{}');
      const broken = await exportBy(ada, args);
      expect(broken.status).toBe(2);
      expect(broken.stderr).toMatch(/^error: cannot use what was sent as an inventory: \S+ is wrong; /);
      await nothingLeft();
    });
    const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tar.gz'));
    const { manifest } = await readBundleHead(join(folder, archive));
    expect(manifest.restsOn?.members.map(({ name }) => name)).toEqual(['snaps/snapd_9.snap']);
  });

  test('leaves out what archives brought that lie on the machine of the command, and only there', async () => {
    const { outside, folder, exportBy, login, nothingLeft } = await journey();
    const ada = await login('ada', 'package_access', 'store_admin');
    const carried = join(await temporaryFolder(), 'carried');
    const store = ['store', 'brand-devices'];
    const since = [...store, '--channel', 'stable,beta', '--since', carried];
    await on(outside.host, async () => {
      await exportBy(ada, store);
      await rename(folder, carried);
      const more = { revision: 8, store: 'brand-main', private: true, channels: ['latest/beta'] };
      await outside.publish({ name: 'my-app', version: '8', type: 'app', base: 'my-base' }, more);
      const made = await exportBy(ada, since);
      expect(made.stderr).toMatch(
        /^Left out: [1-9]\d* files of \d+ bytes, which must be where this goes to\.\n$/,
      );
      await nothingLeft();
    });
    const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tar.gz'));
    const { manifest } = await readBundleHead(join(folder, archive));
    expect(manifest.restsOn?.kind).toBe('inventory');
    const brought = manifest.members.map(({ name }) => name).filter((name) => name.endsWith('.snap'));
    expect(brought).toEqual(['snaps/my-app_8.snap']);
    const nowhere = await exportBy(ada, [...store, '--since', await temporaryFolder()]);
    expect(nowhere).toMatchObject({ status: 5, stderr: expect.stringContaining('it holds 0 archives') });
  });

  test('exports snaps of the store with the role Viewer, also with what they need', async () => {
    const { outside, folder, exportBy, login } = await journey();
    const { queries } = outside.host.database;
    await queries
      .insertInto('StoreRole')
      .values({ storeId: 'brand-devices', accountId: 'my-brand', role: 'view' })
      .execute();
    const viewer = await login('my-brand', 'package_access');
    const made = await on(outside.host, () =>
      exportBy(viewer, ['snaps', 'my-app', '--store', 'brand-devices', '--with-dependencies']),
    );
    expect(made.status).toBe(0);
    expect(made.stdout).toMatch(
      /\nSuccessfully exported snaps:\nmy-app: \S+my-app-\d{8}T\d{6}\.tar\.gz\nmy-base: \S+\nsnapd: \S+\n$/,
    );
    expect((await readdir(folder)).map((name) => name.replace(/-\d{8}T.*/, ''))).toEqual([
      'my-app',
      'my-base',
      'snapd',
    ]);
    expect(await queries.selectFrom('Token').select('kind').where('kind', '=', 'admin').execute()).toEqual(
      [],
    );
  });
});

describe('an export is refused', () => {
  test('with the role or permission that is missing, and a store of others as one that does not exist', async () => {
    const { outside, exportBy, login } = await journey();
    await outside.host.database.queries
      .insertInto('StoreRole')
      .values({ storeId: 'brand-devices', accountId: 'my-brand', role: 'view' })
      .execute();
    const said = async (made: ReturnType<typeof exportBy>) => {
      const { status, stdout, stderr } = await made;
      expect(stdout).toBe('');
      return `${status} ${stderr}`;
    };
    const unseen = (what: string, store: string, role: string, permission: string) =>
      `5 error: cannot export ${what}: this authority has no store ${store} in which the account of the login file has a role; it must have the role ${role} there, and the login the permission ${permission}\n`;
    const viewer = await login('ada', 'package_access');
    const admin = await login('ada', 'store_admin');
    const other = await login('my-brand', 'package_access', 'store_admin');
    expect(await said(exportBy(viewer, ['store', 'brand-devices']))).toBe(
      '4 error: cannot export store brand-devices: the login lacks the permission store_admin, or is for other stores or snaps; export it again, as somebody with the role Admin in the store brand-devices\n',
    );
    expect(await said(exportBy(admin, ['store', 'brand-devices']))).toBe(
      '4 error: cannot export snaps of store brand-devices: the login lacks the permission package_access, or is for other stores or snaps; export it again, as somebody with the role Viewer in the store brand-devices\n',
    );
    expect(await said(exportBy(other, ['store', 'brand-devices']))).toBe(
      '4 error: cannot export store brand-devices: the account of the login file lacks the role Admin in the store brand-devices\n',
    );
    for (const store of ['brand-main', 'no-such-store'])
      expect(await said(exportBy(other, ['store', store]))).toBe(
        unseen(`store ${store}`, store, 'Admin', 'store_admin'),
      );
    expect(await said(exportBy(other, ['snaps', 'my-app', '--store', 'brand-main']))).toBe(
      unseen('snaps of store brand-main', 'brand-main', 'Viewer', 'package_access'),
    );
  });

  test('where it asks for what is not the account’s: folders, other admins, foreign keys, hidden snaps and revisions', async () => {
    const { outside, exportBy, begin, login } = await journey();
    const ada = await login('ada', 'package_access', 'store_admin');
    for (const more of [{ exportDir: '/tmp' }, { admin: 'my-brand' }, { shareWith: [] }])
      expect(await refusal(begin(ada, 'brand-devices', { ...storeWish, ...more }))).toMatchObject({
        status: 400,
        code: 'request-invalid',
      });
    const inventory = { kind: 'inventory', path: '/etc/passwd' };
    expect(await refusal(begin(ada, 'brand-devices', { ...storeWish, basis: inventory }))).toMatchObject({
      status: 400,
      code: 'request-invalid',
    });
    const tomorrow = { kind: 'time', at: new Date(Date.now() + 86_400_000).toISOString() };
    expect(await refusal(begin(ada, 'brand-devices', { ...storeWish, basis: tomorrow }))).toMatchObject({
      status: 400,
      message: expect.stringContaining("by this host's clock it is"),
    });
    const rootKey = outside.chain.roots.find(({ type }) => type === 'account-key')?.primaryKey[0] ?? '';
    expect(await refusal(begin(ada, 'brand-devices', { ...storeWish, keys: [rootKey] }))).toMatchObject({
      status: 400,
      code: 'key-of-other-account',
    });

    // A revision that no channel ever held is its publisher's business.
    const hidden = { ...outside, revision: 7, store: 'brand-main', private: true, channels: [] };
    await outside.publish({ name: 'my-app', version: '7', type: 'app', base: 'my-base' }, hidden);
    const list = join(await temporaryFolder(), 'list.yaml');
    await writeFile(list, 'packages:\n  - name: my-app\n    revision: 7\n');
    const yaml = ['snaps', '--from-yaml', list, '--store', 'brand-devices'];
    const stranger = ['snaps', 'stranger-of-others', '--store', 'brand-devices'];
    await on(outside.host, async () => {
      expect(await exportBy(ada, yaml)).toMatchObject({
        status: 5,
        stderr: 'error: cannot export revision 7 of my-app: it is not here\n',
      });
      expect(await exportBy(ada, stranger)).toMatchObject({
        status: 5,
        stderr:
          'error: cannot export snap stranger-of-others: there is none of that name in store brand-devices\n',
      });
    });
  });

  test('where the login is limited to other snaps, and never as a whole store', async () => {
    const { outside, exportBy, narrowLogin } = await journey();
    const narrow = await narrowLogin('ada', ['package_access', 'store_admin'], {
      condition: 'package',
      names: ['my-base'],
    });
    await on(outside.host, async () => {
      const whole = await exportBy(narrow, ['store', 'brand-devices']);
      expect(whole.status).toBe(4);
      expect(whole.stderr).toContain('the login is limited to snaps or channels');
      expect(await exportBy(narrow, ['snaps', 'my-app', '--store', 'brand-devices'])).toMatchObject({
        status: 4,
        stderr: 'error: cannot do this: the credential is not for the snap my-app\n',
      });
      expect(await exportBy(narrow, ['snaps', 'my-base', '--store', 'brand-devices'])).toMatchObject({
        status: 0,
      });
    });
  });

  test('where two of the account’s are there already', async () => {
    const { outside, ask, begin, login, nothingLeft } = await journey();
    const ada = await login('ada', 'package_access', 'store_admin');
    const wish = (channel: string) => ({ ...storeWish, channels: [channel] });
    await on(outside.host, async () => {
      const begun = [];
      for (const channel of ['latest/stable', 'latest/edge', 'latest/stable']) {
        const answer = await begin(ada, 'brand-devices', wish(channel));
        expect(answer.status).toBe(202);
        begun.push(accountExportStarted.parse(await answer.json()));
      }
      expect(begun.map(({ joined }) => joined)).toEqual([false, false, true]);
      expect(begun[2]?.id).toBe(begun[0]?.id);
      expect(await refusal(begin(ada, 'brand-devices', wish('latest/beta')))).toMatchObject({
        status: 409,
        code: 'exports-too-many',
      });
      const first = `brand-devices/${begun[0]?.id ?? ''}`;
      await ready(ask, ada, first);
      expect((await ask(ada, first, { method: 'DELETE' })).status).toBe(204);
      await expect.poll(async () => (await ask(ada, first)).status, { timeout: 60_000 }).toBe(404);
      const again = await begin(ada, 'brand-devices', wish('latest/beta'));
      expect(again.status).toBe(202);
      // Who wants none of them ends them, also while they are written.
      const { id } = accountExportStarted.parse(await again.json());
      for (const one of [id, begun[1]?.id ?? ''])
        expect((await ask(ada, `brand-devices/${one}`, { method: 'DELETE' })).status).toBe(204);
      await nothingLeft();
    });
  });
});

test('an export is seen and fetched by the log-in that began it alone, for as long as its account has the role', async () => {
  const { outside, ask, begin, login, tokens } = await journey();
  const { queries } = outside.host.database;
  await queries
    .insertInto('StoreRole')
    .values({ storeId: 'brand-devices', accountId: 'my-brand', role: 'admin' })
    .execute();
  const ada = await login('ada', 'package_access', 'store_admin');
  const others = {
    'another account': await login('my-brand', 'package_access', 'store_admin'),
    'another log-in of the account': await login('ada', 'package_access', 'store_admin'),
    'a narrowed copy': addCaveat(ada, 'airlock|acl|["package_access"]'),
  };
  await on(outside.host, async () => {
    const { id } = accountExportStarted.parse(
      await (await begin(ada, 'brand-devices', { ...storeWish, snaps: false })).json(),
    );
    const path = `brand-devices/${id}`;
    const { result, error } = await ready(ask, ada, path);
    expect(error).toBeNull();
    expect(JSON.stringify(result)).not.toContain(outside.host.folder);
    const token = `${path}/files/${result?.tokenFile ?? ''}`;
    const unknown = async (asked: Promise<Response>) => {
      const { status, code, message } = await refusal(asked);
      return { status, code, message: message.replace(/"[^"]*"/, 'ID') };
    };
    const never = await unknown(ask(ada, 'brand-devices/1-00000000-0000-0000-0000-000000000000'));
    expect(never).toMatchObject({ status: 404, code: 'export-unknown' });
    for (const [whose, other] of Object.entries(others))
      for (const [method, one] of [
        ['GET', path],
        ['GET', token],
        ['DELETE', path],
      ] as const)
        expect(await unknown(ask(other, one, { method })), `${whose}: ${method} ${one}`).toEqual(never);
    expect(await unknown(ask(ada, `brand-main/${id}`))).toEqual(never);
    expect(await unknown(ask(ada, `${path}/files/..%2F..%2Fdatabase.sqlite`))).toEqual(never);
    const found = await ask(ada, token);
    expect(found.status).toBe(200);
    const macaroon = (await found.text()).trim();
    expect((await tokens.verify(macaroon, new Date())).accountId).toBe('ada');

    await queries.deleteFrom('StoreRole').where('accountId', '=', 'ada').execute();
    expect(await refusal(ask(ada, token))).toMatchObject({ status: 404, code: 'store-unknown' });
  });
});
