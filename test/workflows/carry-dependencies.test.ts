import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBundleHead } from '../../src/bundles/index.ts';
import { putStore } from '../../src/storage/authority/index.ts';
import type { ExportOutcome, SnapsExport, StoreExport } from '../../src/workflows/export-contract.ts';
import type { FetchSnapsInput } from '../../src/workflows/fetch-contract.ts';
import { exportSnaps, exportStore, fetchSnaps, importStore } from '../../src/workflows/index.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { authority, online } from './carrying.ts';
import { snapsFetch } from './fetching.ts';
import { AT, importInput, newOutside, storeExport, trustingHost, type Host } from './carried-store.ts';
import type { Outside } from './hosts.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const on = <Answer>(host: Host, work: (client: Client) => Promise<Answer>): Promise<Answer> =>
  withHost(temporal, host, work);

const plugs = (...providers: string[]) =>
  ['plugs:', ...providers.map((name) => `  ${name}: { interface: content, default-provider: ${name} }`)].join(
    '\n',
  );

/**
 * The store of a brand whose app needs what is in its own brand store, what the general store has and the brand's devices do not
 * see, what is another brand's, and what is nowhere.
 */
async function newNeedy(): Promise<Outside> {
  const outside = await newOutside();
  const { database } = outside.host;
  await database.transaction((inside) =>
    putStore(inside, { id: 'umbra', name: 'Umbra', kind: 'brand', brandId: 'umbra', includes: [] }, AT),
  );
  const ours = { store: 'brand-main', private: true, revision: 1 };
  const general = { store: 'ubuntu', revision: 1, channels: ['latest/stable'] };
  await outside.publish(
    {
      name: 'my-app',
      version: '1',
      type: 'app',
      base: 'my-base',
      yaml: plugs('our-data', 'their-secret', 'their-tools', 'hidden', 'nowhere'),
    },
    { ...ours, channels: ['latest/edge'] },
  );
  await outside.publish(
    { name: 'our-data', version: '1', type: 'app', base: 'data-base' },
    { ...ours, channels: ['latest/stable'] },
  );
  await outside.publish(
    { name: 'their-secret', version: '1', type: 'app', base: 'my-base' },
    { ...general, store: 'umbra', private: true, publisher: 'my-brand' },
  );
  await outside.publish(
    { name: 'hidden', version: '1', type: 'app', base: 'my-base' },
    { ...general, private: true },
  );
  await outside.publish({ name: 'their-tools', version: '1', type: 'app', base: 'bare' }, general);
  for (const name of ['my-base', 'data-base', 'bare'])
    await outside.publish({ name, version: '1', type: 'base' }, general);
  await outside.publish({ name: 'snapd', version: '2.77', type: 'snapd' }, general);
  await outside.publish({ name: 'stranger', version: '1', type: 'app', base: 'my-base' }, general);
  for (const name of ['my-base', 'data-base', 'snapd']) await outside.include(name);
  return outside;
}

const ALONG = ['bare', 'data-base', 'my-base', 'our-data', 'snapd', 'their-tools'];
const UNSEEN = ['bare', 'their-tools'].map(
  (name) =>
    `${name} comes along, and store brand-devices does not include it: its devices see it only once the store does`,
);
const missing = (how: string) =>
  ['hidden', 'nowhere', 'their-secret'].map(
    (name) => `my-app revision 1 needs ${name} (default provider of ${name}), which ${how}`,
  );

const placesIn = async ({ files }: ExportOutcome) => {
  const heads = await Promise.all(files.map(({ path }) => readBundleHead(path)));
  return heads
    .flatMap(({ manifest }) =>
      manifest.snaps.flatMap(({ name, channels }) => channels.map(({ channel }) => `${name} ${channel}`)),
    )
    .toSorted();
};
const PLACES = ['my-app latest/edge', ...ALONG.map((name) => `${name} latest/stable`)].toSorted();

describe('what an authority has of what a store needs comes along', () => {
  const wish = (over: Partial<FetchSnapsInput>) =>
    snapsFetch({
      fetchId: 'login',
      names: ['my-app'],
      channels: ['latest/edge'],
      store: 'brand-devices',
      credentials: 'login',
      withDependencies: true,
      ...over,
    });

  async function fetched(outside: Outside, input: FetchSnapsInput): Promise<ExportOutcome> {
    const { url, login } = await authority(outside);
    const proxy = await online(outside, url, { login: await login('ada', 'package_access', 'store_admin') });
    return on(proxy, (client) =>
      client.workflow.execute(fetchSnaps, {
        workflowId: `fetch-${Math.random()}`,
        taskQueue: 'airlock',
        args: [input],
      }),
    );
  }

  test('with single snaps, as far as the log-in or anybody may see it', async () => {
    const made = await fetched(await newNeedy(), wish({}));
    expect(made.dependencies).toEqual(ALONG);
    expect(made.warnings).toEqual([...UNSEEN, ...missing('was not fetched with it')].toSorted());
    expect(await placesIn(made)).toEqual(PLACES);
  });

  test('with a whole store, whose archive is pushed', async () => {
    const outside = await newNeedy();
    const made = await fetched(outside, wish({ names: [], whole: { keys: [], snaps: true } }));
    // What its devices see comes from the safer channel anyway, and is told.
    expect(made.dependencies).toEqual(['bare', 'their-tools']);
    expect(made.warnings).toEqual(expect.arrayContaining([...UNSEEN, ...missing('was not fetched with it')]));
    expect(await placesIn(made)).toEqual(PLACES);
    const inside = await trustingHost(outside);
    const pushed = await on(inside, async (client) => {
      const input = await importInput('store', made.files[0]?.path ?? '');
      return client.workflow.execute(importStore, {
        workflowId: `import/${input.digest}`,
        taskQueue: 'airlock',
        args: [input],
      });
    });
    expect(pushed.snaps.map(({ name }) => name).toSorted()).toEqual(['my-app', ...ALONG].toSorted());
  });

  test("with a whole store, but for another brand's snaps, though devices see them", async () => {
    const made = await fetched(await newSharing(), wish({ names: [], whole: { keys: [], snaps: true } }));
    expect(made.dependencies).not.toContain('their-secret');
    expect(made.warnings).toContain(OTHERS);
    expect(made.warnings).toEqual(expect.arrayContaining(missing('was not fetched with it')));
  });
});

/** The same where another brand shares its store, which the brand's devices look at. */
async function newSharing(): Promise<Outside> {
  const outside = await newNeedy();
  const { database } = outside.host;
  await database.transaction((inside) =>
    putStore(
      inside,
      { id: 'umbra', name: 'Umbra', kind: 'brand', brandId: 'umbra', sharedWith: ['my-brand'], includes: [] },
      AT,
    ),
  );
  await database.queries
    .insertInto('StoreInclusion')
    .values({ storeId: 'brand-devices', includedStoreId: 'umbra', allSnaps: true })
    .execute();
  return outside;
}

const OTHERS = "the snaps of umbra are another brand's: they come with the export of its own brand";

describe('an export brings what its snaps need', () => {
  const exported = (host: Host, input: SnapsExport | StoreExport) =>
    on(host, (client) =>
      input.kind === 'store'
        ? client.workflow.execute(exportStore, {
            workflowId: `export/${Math.random()}`,
            taskQueue: 'airlock',
            args: [input],
          })
        : client.workflow.execute(exportSnaps, {
            workflowId: `export/${Math.random()}`,
            taskQueue: 'airlock',
            args: [input],
          }),
    );
  const snaps = (over: Partial<SnapsExport> = {}): SnapsExport => ({
    kind: 'snaps',
    names: ['my-app'],
    packages: [],
    channels: ['latest/edge'],
    architectures: ['amd64'],
    store: null,
    exportDir: null,
    withDependencies: true,
    actor: 'operator',
    ...over,
  });

  test('of single snaps, each in an archive of its own, and never a private one of another brand', async () => {
    const { host } = await newNeedy();
    const made = await exported(host, snaps());
    expect(made.dependencies).toEqual(ALONG);
    expect(made.files.map(({ subject }) => subject).toSorted()).toEqual(['my-app', ...ALONG].toSorted());
    expect(made.warnings.toSorted()).toEqual(missing('the archive does not hold'));
    expect(await placesIn(made)).toEqual(PLACES);
    const ofStore = await exported(host, snaps({ store: 'brand-devices' }));
    expect(ofStore.warnings.toSorted()).toEqual(
      [...UNSEEN, ...missing('the archive does not hold')].toSorted(),
    );
  });

  test('but for those that were named, which come as they were named', async () => {
    const outside = await newNeedy();
    await outside.publish(
      { name: 'our-data', version: '2', type: 'app', base: 'my-base' },
      { store: 'brand-main', private: true, revision: 2, channels: ['latest/edge'] },
    );
    const made = await exported(outside.host, snaps({ names: ['my-app', 'our-data'] }));
    expect(made.dependencies).toEqual(['bare', 'my-base', 'snapd', 'their-tools']);
    expect(await placesIn(made)).toContain('our-data latest/edge');
    expect(await placesIn(made)).not.toContain('our-data latest/stable');
  });

  test('of a store, also where the store offers it in another channel than devices look in', async () => {
    const outside = await newNeedy();
    await outside.publish(
      { name: 'our-data', version: '2', type: 'app', base: 'data-base' },
      { store: 'brand-main', private: true, revision: 2, channels: ['latest/edge'] },
    );
    const { host } = outside;
    const made = await exported(
      host,
      storeExport({ channels: ['latest/edge'], architectures: ['amd64'], withDependencies: true }),
    );
    expect(made.dependencies).toEqual(ALONG);
    expect(made.warnings.toSorted()).toEqual([...UNSEEN, ...missing('the archive does not hold')].toSorted());
    expect(await placesIn(made)).toEqual(['our-data latest/edge', ...PLACES].toSorted());
    const inside = await trustingHost(outside);
    const pushed = await on(inside, async (client) => {
      const input = await importInput('store', made.files[0]?.path ?? '');
      return client.workflow.execute(importStore, {
        workflowId: `import/${input.digest}`,
        taskQueue: 'airlock',
        args: [input],
      });
    });
    expect(pushed.snaps).toHaveLength(ALONG.length + 2);
  });

  test("of a store, but for another brand's snaps, though devices see them", async () => {
    const { host } = await newSharing();
    const made = await exported(
      host,
      storeExport({ channels: ['latest/edge'], architectures: ['amd64'], withDependencies: true }),
    );
    expect(made.dependencies).toEqual(ALONG);
    expect(made.warnings.toSorted()).toEqual(
      [OTHERS, ...UNSEEN, ...missing('the archive does not hold')].toSorted(),
    );
  });

  test('only where it is wished', async () => {
    const { host } = await newNeedy();
    const { withDependencies: _, ...plain } = snaps();
    const made = await exported(host, plain);
    expect(made.dependencies).toBeUndefined();
    expect(await placesIn(made)).toEqual(['my-app latest/edge']);
  });
});
