import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CRASH_POINTS, type CrashPoint } from '../../src/activities/crash-point.ts';
import { exportStore, importStore } from '../../src/workflows/index.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { importInput, newOutside, storeExport, trustingHost, type Host } from '../workflows/carried-store.ts';
import type { Outside } from '../workflows/hosts.ts';
import { MortalWorker, contentOf, died } from './transfer-crashes.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const POINTS = CRASH_POINTS.filter((point): point is CrashPoint => point.startsWith('import-'));

async function archiveOf(outside: Outside): Promise<string> {
  const { activities } = outside.host;
  return withHost(temporal, { activities }, async (client) => {
    const { files } = await client.workflow.execute(exportStore, {
      workflowId: `export/${outside.host.folder}`,
      taskQueue: 'airlock',
      args: [storeExport()],
    });
    return files[0]?.path ?? '';
  });
}

/** What an import leaves that nobody disturbs. */
async function undisturbed(outside: Outside, archive: string): Promise<unknown> {
  const host = await trustingHost(outside);
  const input = await importInput('store', archive);
  await withHost(temporal, host, (client) =>
    client.workflow.execute(importStore, {
      workflowId: `import/${host.folder}`,
      taskQueue: 'airlock',
      args: [input],
    }),
  );
  return contentOf(host);
}

async function begin(host: Host, archive: string) {
  const worker = await MortalWorker.over(host);
  const input = await importInput('store', archive);
  const handle = await worker.client.workflow.start(importStore, {
    workflowId: `import/${input.digest}`,
    taskQueue: 'airlock',
    args: [input],
  });
  return { worker, handle };
}

describe('an import whose worker is killed', () => {
  test.each(POINTS)('at %s ends as if nothing had happened', async (point) => {
    const outside = await newOutside();
    await outside.publishJourney();
    const archive = await archiveOf(outside);
    const expected = await undisturbed(outside, archive);
    const host = await trustingHost(outside);
    const { worker, handle } = await begin(host, archive);
    const victim = await worker.start(point);
    await died(victim);
    expect(victim.signalCode).toBe('SIGKILL');
    await worker.start();
    expect(await handle.result()).toMatchObject({ unchanged: false });
    expect(await contentOf(host)).toEqual(expected);
  });

  test('again and again at any moment ends as if nothing had happened', async () => {
    const outside = await newOutside();
    for (let n = 0; n < 60; n++)
      await outside.publish(
        { name: `snap-${n}`, version: '1', type: 'app', base: 'bare', payload: 200_000 },
        { store: 'brand-main', private: true, revision: 1, channels: ['latest/stable'] },
      );
    const archive = await archiveOf(outside);
    const expected = await undisturbed(outside, archive);
    const host = await trustingHost(outside);
    const { worker, handle } = await begin(host, archive);
    let over = false;
    const result = handle.result().finally(() => {
      over = true;
    });
    // Kills come after random times; from the fifth on the worker may live.
    for (let kill = 0; kill < 5 && !over; kill++) {
      await worker.start();
      await sleep(200 + Math.random() * 2500);
      await worker.kill();
    }
    await worker.start();
    await result;
    expect(await contentOf(host)).toEqual(expected);
  });
});
