import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { fetchAccountKeys, fetchSnaps, importAccountKeys, importSnap } from '../../src/workflows/index.ts';
import { startServer } from '../../src/api/server.ts';
import type { FetchSnapsInput } from '../../src/workflows/fetch-contract.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { newOutside, importInput, trustingHost } from './carried-store.ts';
import { online } from './carrying.ts';
import { snapsFetch } from './fetching.ts';
import type { Outside } from './hosts.ts';
import { deviceApiOf, serveDevices } from './served-devices.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

/** Serves the outside host's snaps as devices get them. */
async function serve(outside: Outside): Promise<string> {
  const server = await serveDevices(outside.host);
  onTestFinished(() => server.close());
  return server.url;
}

const wish = (over: Partial<FetchSnapsInput> = {}) => snapsFetch({ names: ['my-base', 'snapd'], ...over });

test('snaps and keys are fetched from another store, carried in, and pushed', async () => {
  const outside = await newOutside();
  await outside.publishJourney();
  const proxy = await online(outside, await serve(outside));
  const key = outside.chain.brand[1]?.primaryKey[0] ?? '';
  const { snaps, keys } = await withHost(temporal, proxy, async (client) => ({
    snaps: await client.workflow.execute(fetchSnaps, {
      workflowId: 'fetch',
      taskQueue: 'airlock',
      args: [wish()],
    }),
    keys: await client.workflow.execute(fetchAccountKeys, {
      workflowId: 'fetch-keys',
      taskQueue: 'airlock',
      args: [{ account: 'my-brand', keys: [key], exportDir: null, actor: 'operator' }],
    }),
  }));
  expect(snaps.files.map(({ subject }) => subject)).toEqual(['my-base', 'snapd']);
  expect(await readdir(join(proxy.folder, 'staging'))).toEqual([]);

  const inside = await trustingHost(outside);
  await withHost(temporal, inside, async (client) => {
    for (const { path } of snaps.files) {
      const input = await importInput('snap', path);
      const outcome = await client.workflow.execute(importSnap, {
        workflowId: `import/${input.digest}`,
        taskQueue: 'airlock',
        args: [input],
      });
      expect(outcome).toMatchObject({
        unchanged: false,
        snaps: [{ new: true, channels: ['latest/stable'] }],
      });
    }
    const input = await importInput('account-keys', keys.files[0]?.path ?? '');
    const pushKeys = () =>
      client.workflow.execute(importAccountKeys, {
        workflowId: `import/${input.digest}`,
        taskQueue: 'airlock',
        args: [input],
      });
    // The file holds the keys that it rests on too, and those are here: the root was added, the rest came with the snaps.
    expect(await pushKeys()).toMatchObject({ unchanged: false, accountKeys: [key] });
    expect(inside.pushedKeys).toContain(key);
    expect(await pushKeys()).toMatchObject({ unchanged: true, accountKeys: [] });
    await writeFile(input.path, await readFile(input.path));
    expect(await pushKeys()).toMatchObject({ unchanged: true, accountKeys: [] });
  });
});

test('an empty channel gives what a safer one has, which is said, and the channel stays empty', async () => {
  const outside = await newOutside();
  await outside.publishJourney();
  const proxy = await online(outside, await serve(outside));
  const made = await withHost(temporal, proxy, (client) =>
    client.workflow.execute(fetchSnaps, {
      workflowId: 'fetch-edge',
      taskQueue: 'airlock',
      args: [wish({ names: ['my-base'], channels: ['latest/edge', 'latest/stable'] })],
    }),
  );
  expect(made.snaps.map(({ channel }) => channel)).toEqual(['latest/stable']);
  expect(made.warnings).toContain(
    'latest/edge of my-base holds nothing for amd64: latest/stable was fetched',
  );
});

test('a snap that is not there ends the fetch with its name, and leaves nothing', async () => {
  const outside = await newOutside();
  await outside.publishJourney();
  const proxy = await online(outside, await serve(outside));
  await withHost(temporal, proxy, async (client) => {
    const failed = client.workflow.execute(fetchSnaps, {
      workflowId: 'fetch-absent',
      taskQueue: 'airlock',
      args: [wish({ names: ['my-base', 'my-app'] })],
    });
    const error = errorOfFailure(
      await failed.then(
        () => undefined,
        (thrown: unknown) => thrown,
      ),
    );
    expect(error.code).toBe('snap-not-upstream');
    expect(error.message).toMatch(/^cannot fetch my-app \(latest\/stable amd64\)/);
  });
  expect(await readdir(join(proxy.folder, 'staging'))).toEqual([]);
});

test('an upstream whose assertion speaks of another revision than its answer ends the fetch, and leaves nothing', async () => {
  const outside = await newOutside();
  await outside.publishJourney();
  const app = deviceApiOf(outside.host);
  const server = await startServer({
    fetch: async (request, bindings) => {
      const answer = await app.fetch(request, bindings);
      if (!request.url.endsWith('/v2/snaps/refresh')) return answer;
      return new Response((await answer.text()).replace('"revision":9', '"revision":7'), answer);
    },
    host: '127.0.0.1',
    port: 0,
  });
  onTestFinished(() => server.close(0));
  const proxy = await online(outside, server.url);
  await withHost(temporal, proxy, async (client) => {
    const failed = client.workflow.execute(fetchSnaps, {
      workflowId: 'fetch-contradictory',
      taskQueue: 'airlock',
      args: [wish({ names: ['snapd'] })],
    });
    await expect(failed.catch((thrown: unknown) => errorOfFailure(thrown))).resolves.toMatchObject({
      code: 'upstream-contradictory',
      message: expect.stringMatching(/^cannot use snapd revision 7: .* speaks of another file; fetch again/),
    });
  });
  const left = ['exports', 'staging'].map((name) => readdir(join(proxy.folder, name)).catch(() => []));
  expect(await Promise.all(left)).toEqual([[], []]);
});

test('a folder that no archive can be written to ends the fetch at once, before anything is asked', async () => {
  const outside = await newOutside();
  const proxy = await online(outside, 'http://127.0.0.1:9');
  await withHost(temporal, proxy, async (client) => {
    const failed = client.workflow.execute(fetchSnaps, {
      workflowId: 'fetch-nowhere',
      taskQueue: 'airlock',
      args: [wish({ exportDir: '/proc/nope' })],
    });
    await expect(failed.catch((thrown: unknown) => errorOfFailure(thrown))).resolves.toMatchObject({
      code: 'export-folder-unusable',
      message: 'cannot write to /proc/nope: it is no folder that can be used',
    });
  });
});

test("another account's key is refused", async () => {
  const outside = await newOutside();
  await outside.publishJourney();
  const proxy = await online(outside, await serve(outside));
  const key = outside.chain.brand[1]?.primaryKey[0] ?? '';
  await withHost(temporal, proxy, async (client) => {
    const failed = client.workflow.execute(fetchAccountKeys, {
      workflowId: 'fetch-keys-of-another',
      taskQueue: 'airlock',
      args: [
        {
          account: String(outside.chain.brand[0]?.headers['authority-id']),
          keys: [key],
          exportDir: null,
          actor: 'operator',
        },
      ],
    });
    await expect(failed.catch((thrown: unknown) => errorOfFailure(thrown))).resolves.toMatchObject({
      code: 'key-of-other-account',
    });
  });
});
