import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { parseBlobDigest } from '../../src/storage/index.ts';
import type { StoreExport } from '../../src/workflows/export-contract.ts';
import { exportStore } from '../../src/workflows/index.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';
import { newOutside, storeExport, type Host } from './carried-store.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

async function refusedExport(host: Host, input: StoreExport): Promise<string> {
  return withWorkers(temporal, { airlock: host.activities, transfer: host.activities }, (client) =>
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
