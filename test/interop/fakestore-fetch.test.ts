import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFetchActivities } from '../../src/activities/fetches.ts';
import { withFailures } from '../../src/activities/errors.ts';
import { addAssertions } from '../../src/storage/index.ts';
import { fetchSnaps, importSnap } from '../../src/workflows/index.ts';
import { devicesim, reasonToSkip } from '../support/devicesim.ts';
import { fakeStore } from '../support/fake-store.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';
import { importInput, newHost, type Host } from '../workflows/carried-store.ts';

const sim = await devicesim();

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const on = <Answer>(
  host: Host,
  activities: object,
  work: (client: Client) => Promise<Answer>,
): Promise<Answer> => withWorkers(temporal, { airlock: activities, transfer: activities }, work);

describe.skipIf(sim.path === undefined)(`snapd's own fake store as upstream${reasonToSkip(sim)}`, () => {
  test('its snaps are fetched, verified, carried and pushed', async () => {
    const { url, roots } = await fakeStore(sim.path ?? '');
    const [proxy, inside] = [await newHost(), await newHost()];
    for (const { database } of [proxy, inside])
      await addAssertions(database.queries, roots, { at: new Date(), trusted: true });
    const { database, blobs, settings } = proxy;
    await settings.change(new Map([['proxy.upstream', { value: url, secret: false }]]), new Date());
    const exportFolder = join(proxy.folder, 'exports');
    const fetches = withFailures(
      createFetchActivities({ database, blobs, settings, exportFolder, now: () => new Date() }),
    );
    const names = ['sim-app-1', 'my-base', 'snapd'];
    const fetched = await on(proxy, fetches, (client) =>
      client.workflow.execute(fetchSnaps, {
        workflowId: 'fetch',
        taskQueue: 'airlock',
        args: [
          {
            fetchId: 'fetch',
            names,
            channels: ['latest/stable'],
            architectures: ['amd64'],
            store: null,
            credentials: null,
            exportDir: null,
            actor: 'operator',
          },
        ],
      }),
    );
    expect(fetched.files.map(({ subject }) => subject)).toEqual(names);
    expect(fetched.warnings).toEqual([]);
    await on(inside, inside.activities, async (client) => {
      for (const { path, subject } of fetched.files) {
        const input = await importInput('snap', path);
        const outcome = await client.workflow.execute(importSnap, {
          workflowId: `import/${input.digest}`,
          taskQueue: 'airlock',
          args: [input],
        });
        expect(outcome).toMatchObject({ unchanged: false, snaps: [{ name: subject, new: true }] });
      }
    });
  });

  test('what a snap of it needs comes along, which only the files tell; what it does not have is named', async () => {
    const { url, roots, chain } = await fakeStore(sim.path ?? '');
    const proxy = await newHost();
    const { database, blobs, settings } = proxy;
    await addAssertions(database.queries, roots, { at: new Date(), trusted: true });
    await settings.change(new Map([['proxy.upstream', { value: url, secret: false }]]), new Date());
    const exportFolder = join(proxy.folder, 'exports');
    const fetches = withFailures(
      createFetchActivities({ database, blobs, settings, exportFolder, now: () => new Date() }),
    );
    const fetched = (fetchId: string) =>
      on(proxy, fetches, (client) =>
        client.workflow.execute(fetchSnaps, {
          workflowId: fetchId,
          taskQueue: 'airlock',
          args: [
            {
              fetchId,
              names: ['sim-app-1'],
              channels: ['latest/stable'],
              architectures: ['amd64'],
              store: null,
              credentials: null,
              exportDir: null,
              withDependencies: true,
              actor: 'operator',
            },
          ],
        }),
      );
    const whole = await fetched('whole');
    expect(whole.dependencies).toEqual(['my-base', 'snapd']);
    expect(whole.files.map(({ subject }) => subject)).toEqual(['sim-app-1', 'my-base', 'snapd']);
    expect(whole.warnings).toEqual([]);

    const files = await readdir(join(chain, 'fakestore'));
    for (const file of files.filter((name) => name.startsWith('snapd')))
      await rm(join(chain, 'fakestore', file));
    const lacking = await fetched('lacking');
    expect(lacking.dependencies).toEqual(['my-base']);
    expect(lacking.warnings).toEqual([
      expect.stringMatching(
        /^sim-app-1 revision \d+ needs snapd \(for its base\), which was not fetched with it$/,
      ),
    ]);
  });
});
