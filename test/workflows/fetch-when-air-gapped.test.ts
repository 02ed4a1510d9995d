/** A fetch that runs when its host becomes air-gapped: it ends, says so, and leaves nothing. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { fetchSnaps } from '../../src/workflows/index.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { newOutside, snapIdOf, type Host } from './carried-store.ts';
import { online } from './carrying.ts';
import { snapsFetch } from './fetching.ts';
import type { Outside } from './hosts.ts';
import { serveDevicesBut } from './served-devices.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

/** Serves the outside host's snaps, but answers nothing to what is asked at some paths; `asked` is over once that was. */
async function servingAllBut(outside: Outside, isHeld: (path: string) => boolean) {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: over, resolve: end } = Promise.withResolvers<Response>();
  const server = await serveDevicesBut(outside.host, (path) => {
    if (!isHeld(path)) return Promise.resolve(undefined);
    ask();
    return over;
  });
  onTestFinished(() => {
    end(new Response(null, { status: 503 }));
    return server.close(0);
  });
  return { url: server.url, asked };
}

const enabled = { value: 'True', secret: false };
const filesIn = ({ folder }: Host, name: string) => readdir(join(folder, name)).catch(() => []);

test.each([
  ['while it downloads', (path: string) => path.includes('/download/'), 0],
  // What the other snap became is there already, and goes as well.
  ['while it writes', (path: string) => path.includes(`/snap-declaration/16/${snapIdOf('snapd')}`), 1],
])('a fetch ends when its host becomes air-gapped %s', async (_, isHeld, archives) => {
  const outside = await newOutside();
  await outside.publishJourney();
  const upstream = await servingAllBut(outside, isHeld);
  const host = await online(outside, upstream.url);
  await withHost(temporal, host, async (client) => {
    const running = await client.workflow.start(fetchSnaps, {
      workflowId: `fetch-${archives}`,
      taskQueue: 'airlock',
      args: [snapsFetch({ names: ['my-base', 'snapd'] })],
    });
    await upstream.asked;
    await vi.waitFor(async () => expect(await filesIn(host, 'exports')).toHaveLength(archives), 60_000);
    await host.settings.change(new Map([['proxy.airgap', enabled]]), new Date());
    const error = await running.result().then(
      () => undefined,
      (thrown: unknown) => errorOfFailure(thrown),
    );
    expect(error).toMatchObject({ kind: 'conflict', code: 'host-air-gapped' });
    expect(error?.message).toMatch(/^cannot fetch on this host: it is air-gapped and asks nothing outside; /);
  });
  expect([await filesIn(host, 'exports'), await filesIn(host, 'staging')]).toEqual([[], []]);
});
