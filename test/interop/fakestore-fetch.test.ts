import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createFetchActivities } from '../../src/activities/fetches.ts';
import { withFailures } from '../../src/activities/errors.ts';
import { decodeStream } from '../../src/assertions/index.ts';
import { addAssertions } from '../../src/storage/index.ts';
import { fetchSnaps, importSnap } from '../../src/workflows/index.ts';
import { devicesim, reasonToSkip } from '../support/devicesim.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { importInput, newHost, type Host } from '../workflows/carried-store.ts';

const sim = await devicesim();
const run = promisify(execFile);

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

/** snapd's own fake store with a chain that snapd's code signed; its address and its roots. */
async function fakeStore(program: string) {
  const chain = join(await temporaryFolder(), 'chain');
  await run(program, ['chain', '--out', chain, '--snaps', '2', '--key-bits', '2048']);
  const port = await freePort();
  const child = spawn(program, ['fakestore', '--chain', chain, '--addr', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill();
  });
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => {
        if (text.toString().includes('listening')) resolve();
      });
    child.once('exit', () => reject(new Error('the fake store ended')));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    roots: decodeStream(await readFile(join(chain, 'trusted.assert'))),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}

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
});
