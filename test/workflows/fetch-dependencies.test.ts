import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { FetchActivities } from '../../src/activities/fetches.ts';
import { startServer } from '../../src/api/server.ts';
import { NEEDS_MAX } from '../../src/snaps/index.ts';
import type { ExportOutcome } from '../../src/workflows/export-contract.ts';
import type { FetchSnapsInput } from '../../src/workflows/fetch-contract.ts';
import { fetchSnaps } from '../../src/workflows/index.ts';
import { openTestTemporal, withHost, withWorkers, type TestTemporal } from '../support/temporal.ts';
import { newOutside, type Host } from './carried-store.ts';
import { online } from './carrying.ts';
import { snapsFetch } from './fetching.ts';
import type { Outside } from './hosts.ts';
import { deviceApiOf } from './served-devices.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

/** The snaps that a store was asked for, in order. */
type Asked = string[];

/** A public store of the outside host's snaps. One that tells nothing of a snap.yaml leaves that to the files. */
async function publicStore(outside: Outside, tells: boolean) {
  const devices = deviceApiOf(outside.host);
  const asked: Asked = [];
  const server = await startServer({
    fetch: async (request, bindings) => {
      if (new URL(request.url).pathname !== '/v2/snaps/refresh') return devices.fetch(request, bindings);
      const text = await request.text();
      for (const [, name = ''] of text.matchAll(/"name":"([^"]+)"/g)) asked.push(name);
      const body = tells ? text : text.replace('"snap-yaml",', '');
      return devices.fetch(new Request(request, { method: 'POST', body }), bindings);
    },
    host: '127.0.0.1',
    port: 0,
  });
  onTestFinished(() => server.close());
  return { url: server.url, asked };
}

const wish = (over: Partial<FetchSnapsInput> = {}) =>
  snapsFetch({ names: ['my-desk'], withDependencies: true, ...over });

const content = (provider: string) =>
  `plugs:\n  shared: { interface: content, target: $SNAP/shared, default-provider: ${provider} }`;

/** An app that needs a base and a theme; the theme needs another base, and the app again: a circle. */
async function publishDesk(outside: Outside, without: readonly string[] = []): Promise<void> {
  const recipes = [
    { name: 'my-desk', type: 'app', base: 'my-base', yaml: content('my-theme:gtk') },
    { name: 'my-theme', type: 'app', base: 'other-base', yaml: content('my-desk') },
    { name: 'my-base', type: 'base' },
    { name: 'other-base', type: 'base' },
    { name: 'snapd', type: 'snapd' },
    { name: 'stranger', type: 'app', base: 'my-base' },
  ] as const;
  for (const recipe of recipes)
    if (!without.includes(recipe.name))
      await outside.publish(
        { version: '1', ...recipe },
        {
          store: 'ubuntu',
          revision: 3,
          channels: recipe.name === 'my-desk' ? ['latest/stable', 'latest/edge'] : ['latest/stable'],
        },
      );
}

function fetched(host: Pick<Host, 'activities'>, input: FetchSnapsInput): Promise<ExportOutcome> {
  return withHost(temporal, host, (client) =>
    client.workflow.execute(fetchSnaps, {
      workflowId: `fetch-${Math.random()}`,
      taskQueue: 'airlock',
      args: [input],
    }),
  );
}

const staged = ({ folder }: Host) => readdir(join(folder, 'staging'));
const NEEDED = ['my-base', 'my-theme', 'other-base', 'snapd'];

test.each([
  ['tells what is in its snap.yaml files', true],
  ['leaves that to the files', false],
])(
  'from a store that %s all comes that a snap needs, once, whatever goes round in a circle',
  async (_, tells) => {
    const outside = await newOutside();
    await publishDesk(outside);
    const { url, asked } = await publicStore(outside, tells);
    const proxy = await online(outside, url);
    const made = await fetched(proxy, wish());
    expect(made.files.map(({ subject }) => subject).toSorted()).toEqual(['my-desk', ...NEEDED].toSorted());
    expect(made.dependencies).toEqual(NEEDED);
    expect(made.warnings).toEqual([]);
    expect(asked.toSorted()).toEqual(['my-desk', ...NEEDED].toSorted());
    expect(await staged(proxy)).toEqual([]);
  },
);

test('what a snap needs comes from the channel that devices look in; what was named comes as it was named', async () => {
  const outside = await newOutside();
  await publishDesk(outside);
  for (const name of ['my-base', 'my-theme'] as const)
    await outside.publish(
      { name, version: '2', type: name === 'my-base' ? 'base' : 'app', yaml: 'assumes: [snapd2.60]' },
      { store: 'ubuntu', revision: 4, channels: ['latest/edge'] },
    );
  const { url } = await publicStore(outside, true);
  const made = await fetched(
    await online(outside, url),
    wish({ names: ['my-desk', 'my-base'], channels: ['latest/edge'] }),
  );
  expect(made.dependencies).toEqual(['my-theme', 'other-base', 'snapd']);
  expect(
    made.snaps.map(({ name, revision, channel }) => `${name} ${revision} ${channel}`).toSorted(),
  ).toEqual([
    'my-base 4 latest/edge',
    'my-desk 3 latest/edge',
    'my-theme 3 latest/stable',
    'other-base 3 latest/stable',
    'snapd 3 latest/stable',
  ]);
});

test('what the upstream does not have is named, and the rest comes', async () => {
  const outside = await newOutside();
  await publishDesk(outside, ['my-theme', 'snapd']);
  const { url, asked } = await publicStore(outside, false);
  const made = await fetched(await online(outside, url), wish());
  expect(made.files.map(({ subject }) => subject)).toEqual(['my-desk', 'my-base']);
  expect(made.warnings).toEqual([
    'my-desk revision 3 needs my-theme (default provider of shared), which was not fetched with it',
    'my-desk revision 3 needs snapd (for its base), which was not fetched with it',
  ]);
  // Nobody is asked twice for what is not there.
  expect(asked.toSorted()).toEqual(['my-base', 'my-desk', 'my-theme', 'snapd']);
});

test('what is there for one architecture alone comes for that, and the other is named', async () => {
  const outside = await newOutside();
  await publishDesk(outside);
  const { queries } = outside.host.database;
  const held = await queries
    .selectFrom('ChannelRelease')
    .innerJoin('Snap', 'Snap.snapId', 'ChannelRelease.snapId')
    .selectAll('ChannelRelease')
    .where('Snap.name', 'in', ['my-desk', 'my-base', 'my-theme', 'other-base'])
    .where('ChannelRelease.risk', '=', 'stable')
    .execute();
  await queries
    .insertInto('ChannelRelease')
    .values(
      held.map((release) => ({
        snapId: release.snapId,
        track: release.track,
        risk: release.risk,
        branch: release.branch,
        architecture: 'arm64',
        revision: release.revision,
        releasedAt: release.releasedAt,
        expiresAt: null,
        percentage: null,
        progressiveKey: null,
        paused: false,
        endedAt: null,
      })),
    )
    .execute();
  await queries
    .updateTable('SnapRevision')
    .set({ architectures: ['amd64', 'arm64'] })
    .execute();
  const { url } = await publicStore(outside, true);
  const made = await fetched(await online(outside, url), wish({ architectures: ['amd64', 'arm64'] }));
  expect(made.dependencies).toEqual(NEEDED);
  const missing = 'revision 3 needs snapd (for its base), which was not fetched with it for arm64';
  expect(made.warnings).toEqual([`my-desk ${missing}`, `my-theme ${missing}`]);
});

test('no more than a number of snaps is asked for, whatever a snap claims to need', async () => {
  const outside = await newOutside();
  const providers = Array.from({ length: NEEDS_MAX + 5 }, (_, index) => `provider-${index}`);
  await outside.publish(
    {
      name: 'my-desk',
      version: '1',
      type: 'app',
      base: 'none',
      yaml: [
        'plugs:',
        ...providers.map((name) => `  ${name}: { interface: content, default-provider: ${name} }`),
      ].join('\n'),
    },
    { store: 'ubuntu', revision: 3, channels: ['latest/stable'] },
  );
  const { url, asked } = await publicStore(outside, true);
  const made = await fetched(await online(outside, url), wish());
  expect(asked).toHaveLength(1 + NEEDS_MAX);
  expect(made.warnings).toContain(`no more than ${NEEDS_MAX} snaps come along because others need them`);
  expect(made.warnings).toHaveLength(1 + providers.length);
});

test('without the wish nothing comes along, and what is missing is named', async () => {
  const outside = await newOutside();
  await publishDesk(outside);
  const { url, asked } = await publicStore(outside, true);
  const { withDependencies: _, ...plain } = wish();
  const made = await fetched(await online(outside, url), plain);
  expect(made.files.map(({ subject }) => subject)).toEqual(['my-desk']);
  expect(made.dependencies).toBeUndefined();
  expect(made.warnings).toHaveLength(3);
  expect(asked).toEqual(['my-desk']);
});

test('a fetch whose worker goes between asking and answering goes on with another one, and asks for nothing again', async () => {
  const outside = await newOutside();
  await publishDesk(outside);
  const { url, asked } = await publicStore(outside, false);
  const proxy = await online(outside, url);
  let lost: () => void = () => undefined;
  const answerLost = new Promise<void>((resolve) => (lost = resolve));
  // The plan has grown by what the files told; nobody hears of it.
  const mortal = {
    ...proxy.activities,
    addDependencies: async (...args: Parameters<FetchActivities['addDependencies']>) => {
      const items = await proxy.fetches.addDependencies(...args);
      if (items.length === 0) return items;
      lost();
      throw new Error('the worker is gone');
    },
  };
  const start = (client: Client) =>
    client.workflow.start(fetchSnaps, { workflowId: 'fetch-mortal', taskQueue: 'airlock', args: [wish()] });
  await withWorkers(temporal, { airlock: mortal, transfer: mortal }, async (client) => {
    await start(client);
    await answerLost;
  });
  const made = await withHost(temporal, proxy, (client) =>
    client.workflow.getHandle<typeof fetchSnaps>('fetch-mortal').result(),
  );
  expect(made.dependencies).toEqual(NEEDED);
  expect(made.warnings).toEqual([]);
  expect(asked.toSorted()).toEqual(['my-desk', ...NEEDED].toSorted());
  expect(await staged(proxy)).toEqual([]);
});
