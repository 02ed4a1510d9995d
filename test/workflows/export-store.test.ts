import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { readBundleHead } from '../../src/bundles/index.ts';
import { parseBlobDigest } from '../../src/storage/index.ts';
import type { ExportOutcome, SnapsExport, StoreExport } from '../../src/workflows/export-contract.ts';
import { exportSnaps, exportStore } from '../../src/workflows/index.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { newOutside, storeExport, type Host } from './carried-store.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

async function refusedExport(host: Host, input: StoreExport): Promise<string> {
  return withHost(temporal, host, (client) =>
    client.workflow
      .execute(exportStore, {
        workflowId: `export-store/${Math.random()}`,
        taskQueue: 'airlock',
        args: [input],
      })
      .then(
        () => 'exported',
        (error: unknown) => errorOfFailure(error).code,
      ),
  );
}

const revisionsOf = async ({ files }: ExportOutcome) => {
  const heads = await Promise.all(files.map(({ path }) => readBundleHead(path)));
  return heads.flatMap(({ manifest }) =>
    manifest.snaps.flatMap(({ name, channels }) =>
      channels.map(({ channel, revision }) => `${name} ${channel} ${revision}`),
    ),
  );
};

const snapsExport = (over: Partial<SnapsExport>): SnapsExport => ({
  kind: 'snaps',
  names: [],
  packages: [],
  channels: ['latest/stable'],
  architectures: ['amd64'],
  store: null,
  exportDir: null,
  actor: 'operator',
  ...over,
});

function exportedSnaps(host: Host, input: SnapsExport): Promise<ExportOutcome> {
  return withHost(temporal, host, (client) =>
    client.workflow.execute(exportSnaps, {
      workflowId: `export-snaps/${Math.random()}`,
      taskQueue: 'airlock',
      args: [input],
    }),
  );
}

const tokensOf = ({ database }: Host) => database.queries.selectFrom('Token').select('revokedAt').execute();

describe('an export that fails', () => {
  test('leaves no admin token that works, and no file', async () => {
    const outside = await newOutside();
    const { host } = outside;
    const { digest } = await outside.publish(
      { name: 'my-app', version: '1', type: 'app', base: 'my-base' },
      { store: 'brand-main', private: true, revision: 1, channels: ['latest/stable'] },
    );
    await host.blobs.remove(parseBlobDigest(digest));
    expect(await refusedExport(host, storeExport())).toBe('blob-missing');
    const tokens = await tokensOf(host);
    expect(tokens).toHaveLength(1);
    expect(tokens.filter(({ revokedAt }) => revokedAt === null)).toEqual([]);
    expect(await readdir(join(host.folder, 'exports'))).toEqual([]);
  });

  test('for want of a key is refused before any token is issued', async () => {
    const { host } = await newOutside();
    expect(await refusedExport(host, storeExport({ keys: ['k'.repeat(64)] }))).toBe('key-unknown');
    expect(await tokensOf(host)).toEqual([]);
  });
});

test('an export of a store that brings no snap says so', async () => {
  const outside = await newOutside();
  await outside.publishJourney();
  const warningsOf = async (over: Partial<StoreExport>) =>
    (
      await withHost(temporal, outside.host, (client) =>
        client.workflow.execute(exportStore, {
          workflowId: `export-store/${Math.random()}`,
          taskQueue: 'airlock',
          args: [storeExport(over)],
        }),
      )
    ).warnings;
  const nowhere = { channels: ['9.9/stable'], architectures: ['riscv64'] };
  const words = 'no snap of store brand-devices is in 9.9/stable for riscv64: the archive holds none';
  expect(await warningsOf(nowhere)).toContain(words);
  expect(await warningsOf({ ...nowhere, snaps: false })).not.toContain(words);
  expect(await warningsOf({})).not.toContainEqual(expect.stringContaining('holds none'));
});

describe('exact revisions of a store', () => {
  test('come with the channel that each is pushed into, also from a store that its brand looks at', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const packages = [{ name: 'my-app', revision: 1, channel: 'latest/candidate' }];
    const made = await exportedSnaps(outside.host, snapsExport({ packages, store: 'brand-devices' }));
    expect(await revisionsOf(made)).toContain('my-app latest/candidate 1');
    expect(made.snaps).toContainEqual({
      name: 'my-app',
      revision: 1,
      channel: 'latest/candidate',
      architecture: 'amd64',
    });
  });

  test('are refused by name where the store does not show the snap, or is not here', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const refusal = (input: SnapsExport) =>
      exportedSnaps(outside.host, input).then(
        () => 'exported',
        (error: unknown) => errorOfFailure(error).code,
      );
    const packages = [{ name: 'absent', revision: 1, channel: null }];
    expect(await refusal(snapsExport({ packages, store: 'brand-devices' }))).toBe('snap-unknown');
    expect(await refusal(snapsExport({ names: ['my-app'], store: 'nowhere' }))).toBe('store-unknown');
  });

  test('are refused where two of them are to go into one channel', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const next = { revision: 8, store: 'brand-main', channels: [] };
    await outside.publish({ name: 'my-app', version: '8', type: 'app', base: 'my-base' }, next);
    const wanted = (channel: string) =>
      exportedSnaps(
        outside.host,
        snapsExport({
          packages: [
            { name: 'my-app', revision: 1, channel: 'latest/candidate' },
            { name: 'my-app', revision: 8, channel },
          ],
        }),
      ).then(revisionsOf, (error: unknown) => errorOfFailure(error).message);
    expect(await wanted('candidate')).toBe(
      'cannot export snap my-app: latest/candidate amd64 is to hold revision 1 and revision 8; give one of them another push_channel',
    );
    expect(await wanted('beta')).toEqual(
      expect.arrayContaining(['my-app latest/candidate 1', 'my-app latest/beta 8']),
    );
  });
});
