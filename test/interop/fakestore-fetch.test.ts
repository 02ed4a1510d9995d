import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExportOutcome } from '../../src/workflows/export-contract.ts';
import type { FetchSnapsInput } from '../../src/workflows/fetch-contract.ts';
import { fetchSnaps, importSnap } from '../../src/workflows/index.ts';
import { devicesim, reasonToSkip } from '../support/devicesim.ts';
import { fakeStore } from '../support/fake-store.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { importInput, trustingHost, type Host } from '../workflows/carried-store.ts';
import { online } from '../workflows/carrying.ts';
import { snapsFetch } from '../workflows/fetching.ts';

const sim = await devicesim();

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

/** Fetches, from an online host, as its operator asks. */
const fetched = (proxy: Host, input: FetchSnapsInput): Promise<ExportOutcome> =>
  withHost(temporal, proxy, (client) =>
    client.workflow.execute(fetchSnaps, {
      workflowId: input.fetchId,
      taskQueue: 'airlock',
      args: [input],
    }),
  );

describe.skipIf(sim.path === undefined)(`snapd's own fake store as upstream${reasonToSkip(sim)}`, () => {
  test('its snaps are fetched, verified, carried and pushed', async () => {
    const { url, roots } = await fakeStore(sim.path ?? '');
    const proxy = await online({ chain: { roots } }, url);
    const inside = await trustingHost({ chain: { roots } });
    const names = ['sim-app-1', 'my-base', 'snapd'];
    const made = await fetched(proxy, snapsFetch({ names }));
    expect(made.files.map(({ subject }) => subject)).toEqual(names);
    expect(made.warnings).toEqual([]);
    await withHost(temporal, inside, async (client) => {
      for (const { path, subject } of made.files) {
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
    const proxy = await online({ chain: { roots } }, url);
    const wish = { names: ['sim-app-1'], withDependencies: true } as const;
    const whole = await fetched(proxy, snapsFetch({ ...wish, fetchId: 'whole' }));
    expect(whole.dependencies).toEqual(['my-base', 'snapd']);
    expect(whole.files.map(({ subject }) => subject)).toEqual(['sim-app-1', 'my-base', 'snapd']);
    expect(whole.warnings).toEqual([]);

    const files = await readdir(join(chain, 'fakestore'));
    for (const file of files.filter((name) => name.startsWith('snapd')))
      await rm(join(chain, 'fakestore', file));
    const lacking = await fetched(proxy, snapsFetch({ ...wish, fetchId: 'lacking' }));
    expect(lacking.dependencies).toEqual(['my-base']);
    expect(lacking.warnings).toEqual([
      expect.stringMatching(
        /^sim-app-1 revision \d+ needs snapd \(for its base\), which was not fetched with it$/,
      ),
    ]);
  });
});
