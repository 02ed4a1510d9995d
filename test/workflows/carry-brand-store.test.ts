import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identifyBasis } from '../../src/activities/exports/basis.ts';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { tokenDigest } from '../../src/publishers/index.ts';
import { putStore, type NewStore } from '../../src/storage/authority/index.ts';
import { findTokenByDigest } from '../../src/storage/model-service/index.ts';
import {
  fetchBrandStoreMetadata,
  fetchSnaps,
  importSnap,
  importStore,
  planImport,
} from '../../src/workflows/index.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { readBundleHead } from '../../src/bundles/index.ts';
import type { Basis } from '../../src/workflows/export-contract.ts';
import { publishComponent } from './components.ts';
import { authority, online } from './carrying.ts';
import { snapsFetch } from './fetching.ts';
import { AT, importInput, newOutside, trustingHost, type Host } from './carried-store.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const on = <Answer>(host: Host, work: (client: Client) => Promise<Answer>): Promise<Answer> =>
  withHost(temporal, host, work);

const wish = (credentials: string, names = ['my-app', 'my-base', 'snapd']) =>
  snapsFetch({ fetchId: credentials, names, store: 'brand-devices', credentials });

async function refusal(work: Promise<unknown>) {
  const { code, message } = errorOfFailure(
    await work.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  return { code, message };
}

describe('a brand store is carried as seed 000 tells', () => {
  test('snaps and metadata are fetched with their logins; snaps are pushed first, then the metadata', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { url, login } = await authority(outside);
    const proxy = await online(outside, url, {
      viewer: await login('ada', 'package_access'),
      admin: await login('ada', 'store_admin'),
    });
    const { snaps, metadata } = await on(proxy, async (client) => ({
      snaps: await client.workflow.execute(fetchSnaps, {
        workflowId: 'fetch-1',
        taskQueue: 'airlock',
        args: [wish('viewer')],
      }),
      metadata: await client.workflow.execute(fetchBrandStoreMetadata, {
        workflowId: 'metadata-1',
        taskQueue: 'airlock',
        args: [{ store: 'brand-devices', credentials: 'admin', exportDir: null, actor: 'operator' }],
      }),
    }));
    expect(snaps.files.map(({ subject }) => subject)).toEqual(['my-app', 'my-base', 'snapd']);
    expect(await proxy.settings.get('viewer')).toBeUndefined();
    expect(await proxy.settings.get('admin')).toBeUndefined();
    expect(await readdir(join(proxy.folder, 'staging'))).toEqual([]);

    const inside = await trustingHost(outside);
    await on(inside, async (client) => {
      const about = await importInput('store-metadata', metadata.files[0]?.path ?? '');
      const push = () =>
        client.workflow.execute(importStore, {
          workflowId: `import/${about.digest}`,
          taskQueue: 'airlock',
          args: [about],
        });
      const plan = () =>
        client.workflow.execute(planImport, {
          workflowId: `plan/${Math.random()}`,
          taskQueue: 'airlock',
          args: [about],
        });
      const early = await refusal(push());
      expect(early.code).toBe('snaps-not-pushed');
      expect(early.message).toContain('the file is sound, but 3 of its snaps were not pushed: ');
      const pushSnap = async (name: string) => {
        const path = snaps.files.find(({ subject }) => subject === name)?.path ?? '';
        const input = await importInput('snap', path);
        await client.workflow.execute(importSnap, {
          workflowId: `import/${input.digest}`,
          taskQueue: 'airlock',
          args: [input],
        });
      };
      await pushSnap('my-base');
      await pushSnap('snapd');
      expect((await plan()).awaited).toEqual({ names: ['my-app'], more: 0 });
      // Of a store that is included as a whole an operator may carry some snaps alone: it is told, and no reason to refuse.
      expect(await push()).toMatchObject({
        unchanged: false,
        stores: ['brand-devices', 'brand-main', 'ubuntu'],
        awaited: { names: ['my-app'], more: 0 },
      });
      expect(await push()).toMatchObject({ unchanged: true, awaited: { names: ['my-app'], more: 0 } });
      await pushSnap('my-app');
      expect(await push()).toMatchObject({ unchanged: true, awaited: { names: [], more: 0 } });
    });
    const rows = await inside.database.queries
      .selectFrom('Snap')
      .select(['name', 'storeId', 'private'])
      .orderBy('name')
      .execute();
    expect(rows.map(({ name, storeId }) => `${name} ${storeId}`)).toEqual([
      'my-app brand-main',
      'my-base ubuntu',
      'snapd ubuntu',
    ]);
  });

  test('all snaps of a store come without being named, and those that are in no wanted channel stay', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { url, login } = await authority(outside);
    const proxy = await online(outside, url, { viewer: await login('ada', 'package_access') });
    const fetchAll = (over: object) =>
      on(proxy, (client) =>
        client.workflow.execute(fetchSnaps, {
          workflowId: `fetch-all-${Math.random()}`,
          taskQueue: 'airlock',
          args: [{ ...wish('viewer', []), ...over }],
        }),
      );
    const made = await fetchAll({});
    expect(made.files.map(({ subject }) => subject)).toEqual(['my-app', 'my-base', 'snapd']);
    expect(made.warnings).toEqual([]);

    await proxy.settings.change(
      new Map([['again', { value: await login('ada', 'package_access'), secret: true }]]),
      new Date(),
    );
    const none = await refusal(
      fetchAll({ fetchId: 'again', credentials: 'again', architectures: ['riscv64'] }),
    );
    expect(none.message).toBe(
      'cannot fetch store brand-devices: none of its snaps is in latest/stable for riscv64',
    );
  });

  test('a whole store becomes one archive on an online host, with the token of the admin who fetched it', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { url, login } = await authority(outside);
    const proxy = await online(outside, url, {
      both: await login('ada', 'package_access', 'store_admin'),
      again: await login('ada', 'package_access', 'store_admin'),
      viewer: await login('ada', 'package_access'),
    });
    const key = outside.chain.brand[1]?.primaryKey[0] ?? '';
    const fetchStore = (credentials: string, keys = [key], snaps = true) =>
      on(proxy, (client) =>
        client.workflow.execute(fetchSnaps, {
          workflowId: `fetch-store-${Math.random()}`,
          taskQueue: 'airlock',
          args: [{ ...wish(credentials, []), whole: { keys, snaps } }],
        }),
      );
    expect(await refusal(fetchStore('viewer'))).toMatchObject({
      code: 'role-missing',
      message:
        'cannot fetch the metadata of store brand-devices: the login lacks the permission store_admin, or is for other stores or snaps; export it again, as somebody with the role Admin in the store brand-devices',
    });
    const made = await fetchStore('both');
    const [file] = made.files;
    expect(file?.path).toMatch(/\/store-export-brand-devices-\d{8}T\d{6}\.tar\.gz$/);
    expect((await stat(made.tokenFile ?? '')).mode & 0o777).toBe(0o600);
    expect(await readdir(join(proxy.folder, 'staging'))).toEqual([]);
    const inside = await trustingHost(outside);
    const outcome = await on(inside, async (client) => {
      const input = await importInput('store', file?.path ?? '');
      return client.workflow.execute(importStore, {
        workflowId: `import/${input.digest}`,
        taskQueue: 'airlock',
        args: [input],
      });
    });
    expect(outcome).toMatchObject({
      unchanged: false,
      stores: ['brand-devices', 'brand-main', 'ubuntu'],
      admin: { accountId: 'ada' },
    });
    expect(outcome.snaps.map(({ name }) => name).toSorted()).toEqual(['my-app', 'my-base', 'snapd']);
    expect(inside.pushedKeys).toContain(key);
    const token = await findTokenByDigest(
      inside.database.queries,
      tokenDigest(await readFile(made.tokenFile ?? '', 'utf8')),
    );
    expect(token).toMatchObject({ kind: 'admin', accountId: 'ada' });

    const bare = await fetchStore('again', [], false);
    const other = await trustingHost(outside);
    const awaiting = await on(other, async (client) => {
      const input = await importInput('store', bare.files[0]?.path ?? '');
      return client.workflow.execute(importStore, {
        workflowId: `import/${input.digest}`,
        taskQueue: 'airlock',
        args: [input],
      });
    });
    expect(awaiting.awaited).toEqual({ names: ['my-app', 'my-base', 'snapd'], more: 0 });
  });

  test('a login that is limited to snaps brings these alone', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { url, narrowLogin } = await authority(outside);
    const narrow = () =>
      narrowLogin('ada', ['package_access'], { condition: 'package', names: ['my-base', 'snapd'] });
    const proxy = await online(outside, url, { all: await narrow(), other: await narrow() });
    const fetched = (credentials: string, names: string[]) =>
      on(proxy, (client) =>
        client.workflow.execute(fetchSnaps, {
          workflowId: `fetch-narrow-${credentials}`,
          taskQueue: 'airlock',
          args: [wish(credentials, names)],
        }),
      );
    const made = await fetched('all', []);
    expect(made.files.map(({ subject }) => subject)).toEqual(['my-base', 'snapd']);
    expect(await refusal(fetched('other', ['my-app']))).toEqual({
      code: 'role-missing',
      message:
        'cannot fetch my-app: the login lacks the permission package_access, or is for other stores or snaps; export it again, as somebody with the role Viewer in the store brand-devices',
    });
  });

  test('a token that an interrupted fetch left unwritten is no token', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { url, login } = await authority(outside);
    const proxy = await online(outside, url, {
      interrupted: await login('ada', 'package_access', 'store_admin'),
    });
    const folder = join(proxy.folder, 'staging', 'fetch-interrupted');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'admin-token'), '');
    const made = await on(proxy, (client) =>
      client.workflow.execute(fetchSnaps, {
        workflowId: 'fetch-interrupted',
        taskQueue: 'airlock',
        args: [{ ...wish('interrupted', []), whole: { keys: [], snaps: false } }],
      }),
    );
    const token = await readFile(made.tokenFile ?? '', 'utf8');
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
    const { manifest } = await readBundleHead(made.files[0]?.path ?? '');
    expect(manifest.admin?.tokenDigest).toBe(tokenDigest(token));
  });

  test('a store that includes one which another brand shares comes without the snaps of that', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { queries } = outside.host.database;
    const put = (id: string, brandId: string, over: Partial<NewStore>) =>
      outside.host.database.transaction((inside) =>
        putStore(inside, { id, name: id, kind: 'brand', brandId, includes: [], ...over }, AT),
      );
    await put('brand-main', 'my-brand', { sharedWith: ['umbra'] });
    await put('umbra-devices', 'umbra', {
      kind: 'device-view',
      includes: [
        { storeId: 'ubuntu', snaps: 'all' },
        { storeId: 'brand-main', snaps: 'all' },
      ],
    });
    await queries
      .insertInto('StoreRole')
      .values({ storeId: 'umbra-devices', accountId: 'ada', role: 'admin' })
      .execute();
    const { url, login } = await authority(outside);
    const both = () => login('ada', 'package_access', 'store_admin');
    const proxy = await online(outside, url, { theirs: await both(), ours: await both() });
    const fetched = (credentials: string, store: string) =>
      on(proxy, (client) =>
        client.workflow.execute(fetchSnaps, {
          workflowId: `fetch-shared-${Math.random()}`,
          taskQueue: 'airlock',
          args: [{ ...wish(credentials, []), store, whole: { keys: [], snaps: true } }],
        }),
      );
    const ours = await fetched('ours', 'brand-devices');
    const theirs = await fetched('theirs', 'umbra-devices');
    expect(theirs.warnings).toContain(
      "the snaps of brand-main are another brand's: they come with the export of its own brand",
    );
    const inside = await trustingHost(outside);
    for (const [made, names] of [
      [ours, ['my-app', 'my-base', 'snapd']],
      [theirs, ['my-base', 'snapd', 'stranger']],
    ] as const) {
      const input = await importInput('store', made.files[0]?.path ?? '');
      const outcome = await on(inside, (client) =>
        client.workflow.execute(importStore, {
          workflowId: `import/${input.digest}`,
          taskQueue: 'airlock',
          args: [input],
        }),
      );
      expect([...new Set(outcome.snaps.map(({ name }) => name))].toSorted()).toEqual(names);
    }
  });

  test('an empty channel of an authority gives what a safer one holds', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { url, login } = await authority(outside);
    const proxy = await online(outside, url, { viewer: await login('ada', 'package_access') });
    const made = await on(proxy, (client) =>
      client.workflow.execute(fetchSnaps, {
        workflowId: 'fetch-edge-of-store',
        taskQueue: 'airlock',
        args: [{ ...wish('viewer', ['my-base']), channels: ['latest/edge'] }],
      }),
    );
    expect(made.snaps.map(({ channel }) => channel)).toEqual(['latest/stable']);
    expect(made.warnings).toContain(
      'latest/edge of my-base holds nothing for amd64: latest/stable was fetched',
    );
  });

  test('components come along, and what an earlier fetch brought need not come again', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const kiosk = { name: 'my-kiosk', type: 'app', base: 'my-base' } as const;
    const yaml = 'components:\n  drivers:\n    type: standard\n';
    const place = { store: 'brand-main', private: true, channels: ['latest/stable'] };
    await outside.publish({ ...kiosk, version: '1', yaml }, { ...place, revision: 1 });
    const drivers = { snap: 'my-kiosk', name: 'drivers', version: '1', revision: 4 };
    await publishComponent(outside, { ...drivers, snapRevisions: [1] });
    const { url, login } = await authority(outside);
    const proxy = await online(outside, url, {});
    const inside = await trustingHost(outside);
    const exports = join(proxy.folder, 'exports');
    const carry = async (fetchId: string, basis?: Basis, names = ['my-kiosk', 'snapd']) => {
      const value = await login('ada', 'package_access');
      await proxy.settings.change(new Map([[fetchId, { value, secret: true }]]), new Date());
      const fetched = await on(proxy, (client) =>
        client.workflow.execute(fetchSnaps, {
          workflowId: fetchId,
          taskQueue: 'airlock',
          args: [{ ...wish(fetchId, names), ...(basis && { basis }) }],
        }),
      );
      const manifests = [];
      for (const { path } of fetched.files) {
        const input = await importInput('snap', path);
        manifests.push((await readBundleHead(path)).manifest);
        await on(inside, (client) =>
          client.workflow.execute(importSnap, {
            workflowId: `import/${input.digest}`,
            taskQueue: 'airlock',
            args: [input],
          }),
        );
      }
      return {
        fetched,
        names: manifests.flatMap(({ members }) => members.map(({ name }) => name)).toSorted(),
      };
    };
    const first = await carry('first', undefined, ['my-base', 'my-kiosk', 'snapd']);
    expect(first.names).toContain('my-kiosk+drivers_4.comp');

    await outside.publish({ ...kiosk, version: '2', yaml }, { ...place, revision: 2 });
    await publishComponent(outside, { ...drivers, revision: 5, version: '2', snapRevisions: [2] });
    const second = await carry('second', await identifyBasis('archives', exports));
    expect(second.names).toEqual([
      'my-kiosk+drivers_5.comp',
      'my-kiosk_2.assert',
      'my-kiosk_2.snap',
      'snapd_9.assert',
    ]);
    // Its base is there, though it was not fetched with it.
    expect(second.fetched).toMatchObject({ leftOut: { files: 1 }, warnings: [] });
    // Every release of the journey is of the past: nothing of it comes again.
    const third = await carry('third', { kind: 'time', at: new Date().toISOString() });
    expect(third.names).toEqual(['my-kiosk_2.assert', 'snapd_9.assert']);
    const pairs = await inside.database.queries
      .selectFrom('SnapResourcePair')
      .select(['snapRevision', 'resourceRevision'])
      .orderBy('snapRevision')
      .execute();
    expect(pairs).toEqual([
      { snapRevision: 1, resourceRevision: 4 },
      { snapRevision: 2, resourceRevision: 5 },
    ]);
  });

  test('a login without the role or the permission gets nothing, and hears which one it lacks', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { url, login } = await authority(outside);
    const proxy = await online(outside, url, {
      stranger: await login('my-brand', 'package_access'),
      pusher: await login('ada', 'package_push'),
      viewer: await login('ada', 'package_access'),
      publisher: await login('pat', 'package_access'),
      outsider: await login('my-brand', 'store_admin'),
      guesser: await login('my-brand', 'store_admin'),
      lister: await login('my-brand', 'package_access'),
    });
    await outside.host.database.queries
      .insertInto('StoreRole')
      .values({ storeId: 'brand-devices', accountId: 'pat', role: 'access' })
      .execute();
    await on(proxy, async (client) => {
      const metadata = (credentials: string, store: string) =>
        refusal(
          client.workflow.execute(fetchBrandStoreMetadata, {
            workflowId: `metadata-${credentials}`,
            taskQueue: 'airlock',
            args: [{ store, credentials, exportDir: null, actor: 'operator' }],
          }),
        );
      const fetch = (credentials: string, names?: string[]) =>
        refusal(
          client.workflow.execute(fetchSnaps, {
            workflowId: `fetch-${credentials}`,
            taskQueue: 'airlock',
            args: [wish(credentials, names)],
          }),
        );
      const unseen = (store: string, role: string, permission: string) =>
        `${url} has no store ${store} in which the account of the login file has a role; it must have the role ${role} there, and the login the permission ${permission}`;
      expect((await fetch('stranger')).message).toBe(
        `cannot fetch my-app (latest/stable amd64): ${unseen('brand-devices', 'Viewer', 'package_access')}`,
      );
      expect((await fetch('lister', [])).message).toBe(
        `cannot fetch all snaps of store brand-devices: ${unseen('brand-devices', 'Viewer', 'package_access')}`,
      );
      expect((await fetch('pusher')).message).toContain('package_access');
      expect((await fetch('publisher')).message).toBe(
        'cannot fetch my-app: the account of the login file lacks the role Viewer in the store brand-devices',
      );
      // A store that is another's and one that nobody has are told apart by nothing but their names.
      for (const [credentials, store] of [
        ['outsider', 'brand-devices'],
        ['guesser', 'no-such-store'],
      ] as const)
        expect(await metadata(credentials, store)).toEqual({
          code: 'metadata-not-offered',
          message: `cannot fetch the metadata of store ${store}: ${unseen(store, 'Admin', 'store_admin')}`,
        });
      expect((await fetch('viewer', ['stranger'])).code).toBe('snap-not-upstream');
    });
    expect(await readdir(join(proxy.folder, 'staging'))).toEqual([]);
  });
});
