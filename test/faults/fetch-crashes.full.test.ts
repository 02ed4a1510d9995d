import { readdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { unpackBundle } from '../../src/bundles/index.ts';
import { fetchSnaps } from '../../src/workflows/index.ts';
import { endTogether } from '../support/joined-sockets.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { newOutside, trustingHost } from '../workflows/carried-store.ts';
import { setUpstream, snapsFetch } from '../workflows/fetching.ts';
import type { Outside } from '../workflows/hosts.ts';
import { MortalWorker, died } from './transfer-crashes.ts';
import { serveDevices } from '../workflows/served-devices.ts';

const NAMES = ['one', 'two', 'three', 'four'];

/** The outside host's snaps over a network that breaks each connection after at most so many bytes, as long as `bad()`. */
async function badNetwork(outside: Outside, bad: () => boolean): Promise<string> {
  // Download addresses lead through the same network.
  const store = await serveDevices(outside.host, () => undefined);
  const network = createServer((client) => {
    const server = connect(store.port, '127.0.0.1');
    let left = bad() ? 200_000 + Math.random() * 1_500_000 : Number.POSITIVE_INFINITY;
    server.on('data', (chunk) => {
      left -= chunk.length;
      if (left < 0) client.destroy();
      else client.write(chunk);
    });
    client.on('data', (chunk) => server.write(chunk));
    endTogether(client, server);
  });
  await new Promise<void>((resolve) => network.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await new Promise((resolve) => network.close(resolve));
    await store.close(0);
  });
  const address = network.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return `http://127.0.0.1:${address.port}`;
}

test('a fetch whose worker is killed and whose network breaks, again and again, ends with the very snaps', async () => {
  const outside = await newOutside();
  const digests = new Map<string, string>();
  for (const name of NAMES) {
    const { digest } = await outside.publish(
      { name, version: '1', type: 'app', base: 'bare', payload: 6_000_000 },
      { store: 'ubuntu', revision: 1, channels: ['latest/stable'] },
    );
    digests.set(name, digest);
  }
  let bad = true;
  const url = await badNetwork(outside, () => bad);
  const host = await trustingHost(outside);
  await setUpstream(host, url);
  const worker = await MortalWorker.over(host);
  const handle = await worker.client.workflow.start(fetchSnaps, {
    workflowId: 'fetch',
    taskQueue: 'airlock',
    args: [snapsFetch({ names: NAMES })],
  });
  for (let kill = 0; kill < 3; kill++) {
    await worker.start();
    await sleep(500 + Math.random() * 3000);
    await worker.kill();
  }
  await worker.start();
  await sleep(8000);
  bad = false;
  const { files } = await handle.result();
  expect(files.map(({ subject }) => subject)).toEqual(NAMES);
  for (const { subject, path } of files) {
    const head = await unpackBundle(path, { folder: join(await temporaryFolder(), 'unpacked') });
    expect(head.manifest.snaps[0]?.revisions[0]?.digest).toBe(digests.get(subject));
  }
  expect(await readdir(join(host.folder, 'staging'))).toEqual([]);
});

test('a fetch whose worker is killed around the moment when it learnt what its snaps need brings all of it', async () => {
  const outside = await newOutside();
  const recipes = [
    { name: 'my-desk', type: 'app', base: 'my-base' },
    { name: 'my-base', type: 'base' },
    { name: 'snapd', type: 'snapd' },
  ] as const;
  for (const recipe of recipes)
    await outside.publish(
      { version: '1', payload: 300_000, ...recipe },
      { store: 'ubuntu', revision: 1, channels: ['latest/stable'] },
    );
  const host = await trustingHost(outside);
  const url = await badNetwork(outside, () => false);
  await setUpstream(host, url);
  const worker = await MortalWorker.over(host);
  const handle = await worker.client.workflow.start(fetchSnaps, {
    workflowId: 'fetch-needs',
    taskQueue: 'airlock',
    args: [snapsFetch({ names: ['my-desk'], withDependencies: true })],
  });
  for (const point of ['fetch-before-needs', 'fetch-after-needs']) await died(await worker.start(point));
  await worker.start();
  const { files, dependencies, warnings } = await handle.result();
  expect(files.map(({ subject }) => subject)).toEqual(['my-desk', 'my-base', 'snapd']);
  expect({ dependencies, warnings }).toEqual({ dependencies: ['my-base', 'snapd'], warnings: [] });
  expect(await readdir(join(host.folder, 'staging'))).toEqual([]);
});

test('a fetch whose worker is killed around the moment when it removes what is in an archive finds that archive', async () => {
  const outside = await newOutside();
  const digests = new Map<string, string>();
  for (const name of NAMES.slice(0, 2)) {
    const { digest } = await outside.publish(
      { name, version: '1', type: 'app', base: 'bare', payload: 300_000 },
      { store: 'ubuntu', revision: 1, channels: ['latest/stable'] },
    );
    digests.set(name, digest);
  }
  const host = await trustingHost(outside);
  await setUpstream(host, await badNetwork(outside, () => false));
  const worker = await MortalWorker.over(host);
  const handle = await worker.client.workflow.start(fetchSnaps, {
    workflowId: 'fetch-once',
    taskQueue: 'airlock',
    args: [snapsFetch({ names: [...digests.keys()] })],
  });
  for (const point of ['fetch-after-archive', 'fetch-before-removal', 'fetch-after-removal'])
    await died(await worker.start(point));
  await worker.start();
  const { files } = await handle.result();
  expect(files.map(({ subject }) => subject)).toEqual([...digests.keys()]);
  for (const { subject, path } of files) {
    const head = await unpackBundle(path, { folder: join(await temporaryFolder(), 'unpacked') });
    expect(head.manifest.snaps[0]?.revisions[0]?.digest).toBe(digests.get(subject));
  }
  expect((await readdir(join(host.folder, 'exports'))).length).toBe(files.length);
  expect(await readdir(join(host.folder, 'staging'))).toEqual([]);
});
