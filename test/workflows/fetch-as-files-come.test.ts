/** The archive of a snap is written as soon as its files are here, while others are still on their way. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { readBundleHead } from '../../src/bundles/index.ts';
import { fetchSnaps } from '../../src/workflows/index.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { newOutside, snapIdOf, type Host } from './carried-store.ts';
import { online } from './carrying.ts';
import { snapsFetch } from './fetching.ts';
import { serveDevicesBut } from './served-devices.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const filesIn = ({ folder }: Host, name: string) =>
  readdir(join(folder, name), { recursive: true }).catch(() => []);
const NAMES = ['my-base', 'snapd'];
const ofSnapd = (path: string) => path.includes('/download/') && path.includes(snapIdOf('snapd'));

/** A host in the middle of a fetch: the first snap's archive is there, the second snap comes when `go` is called. */
async function halfway(then: () => Response | undefined) {
  const outside = await newOutside();
  await outside.publishJourney();
  const { promise: gone, resolve: go } = Promise.withResolvers<void>();
  const server = await serveDevicesBut(outside.host, async (path) => {
    if (!ofSnapd(path)) return undefined;
    await gone;
    return then();
  });
  onTestFinished(() => {
    go();
    return server.close(0);
  });
  const host = await online(outside, server.url);
  const start = async (client: TestTemporal['client'], at = '2026-01-01T00:00:00.000Z') => {
    const fetching = await client.workflow.start(fetchSnaps, {
      workflowId: `fetch-${Math.random()}`,
      taskQueue: 'airlock',
      args: [snapsFetch({ names: NAMES, at })],
    });
    const isFirst = (name: string) => /^my-base-.*\.tar\.gz$/.test(name);
    await vi.waitFor(async () => expect((await filesIn(host, 'exports')).some(isFirst)).toBe(true), 60_000);
    return fetching;
  };
  return { host, go, start };
}

test('what is in its archive is not kept beside it, and the fetch tells of all in the end', async () => {
  const { host, go, start } = await halfway(() => undefined);
  await withHost(temporal, host, async (client) => {
    const fetching = await start(client);
    const isFile = (name: string) => /\/[0-9a-f]{96}/.test(name);
    await vi.waitFor(async () => expect((await filesIn(host, 'staging')).filter(isFile)).toEqual([]), 60_000);
    go();
    const { files, snaps } = await fetching.result();
    expect(files.map(({ subject }) => subject)).toEqual(NAMES);
    expect(snaps.map(({ name }) => name)).toEqual(NAMES);
    for (const { subject, path } of files)
      expect((await readBundleHead(path)).manifest.snaps.map(({ name }) => name)).toEqual([subject]);
  });
  expect(await filesIn(host, 'staging')).toEqual([]);
});

test('what a terminated fetch finished is not taken for what the next one was to bring', async () => {
  const { host, go, start } = await halfway(() => undefined);
  await withHost(temporal, host, async (client) => {
    const terminated = await start(client);
    const isRecord = (name: string) => name.endsWith('/my-base.finished.json');
    await vi.waitFor(
      async () => expect((await filesIn(host, 'staging')).filter(isRecord)).toHaveLength(1),
      60_000,
    );
    await terminated.terminate();
    go();
    const next = await start(client, '2026-02-02T00:00:00.000Z');
    const { files } = await next.result();
    expect(files.map(({ path }) => /-(\d{8})T/.exec(path)?.[1])).toEqual(['20260202', '20260202']);
  });
  expect(await filesIn(host, 'staging')).toEqual([]);
});

describe('a fetch that does not come to its end leaves no archive, also none that was finished', () => {
  const otherBytes = () => new Response(new Uint8Array(2 ** 20));
  test.each([
    ['is refused', () => new Response(null, { status: 403 }), 'role-missing'],
    ['has other bytes than were announced, however often it comes', otherBytes, 'upstream-contradictory'],
  ])('because a file %s', async (_, then, code) => {
    const { host, go, start } = await halfway(then);
    await withHost(temporal, host, async (client) => {
      const fetching = await start(client);
      go();
      const error = await fetching.result().then(
        () => undefined,
        (thrown: unknown) => errorOfFailure(thrown),
      );
      expect(error?.code).toBe(code);
    });
    expect([await filesIn(host, 'exports'), await filesIn(host, 'staging')]).toEqual([[], []]);
  });

  test('because somebody cancels it', async () => {
    const { host, start } = await halfway(() => undefined);
    await withHost(temporal, host, async (client) => {
      const fetching = await start(client);
      await fetching.cancel();
      await expect(fetching.result()).rejects.toThrow(/cancel/i);
    });
    expect([await filesIn(host, 'exports'), await filesIn(host, 'staging')]).toEqual([[], []]);
  });
});
