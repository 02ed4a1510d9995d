import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test } from 'vitest';
import { createBlobActivities } from '../../src/activities/blobs.ts';
import {
  BlobPlaces,
  looseBlobs,
  noteLooseBlobs,
  openFileBlobStore,
  SettingStore,
} from '../../src/storage/index.ts';
import { put } from '../storage/blob-store-contract.ts';
import { temporaryDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const DAY = 24 * 3600_000;
const NOW = new Date('2026-11-26T12:00:00Z');
const ago = (milliseconds: number) => new Date(NOW.getTime() - milliseconds);
const SEALER = { seal: (_: string, secret: string) => secret, open: (_: string, sealed: string) => sealed };

async function host() {
  const database = await temporaryDatabase();
  const root = await temporaryFolder();
  const folder = await openFileBlobStore(`${root}/blobs`, `${root}/staging`);
  const blobs = new BlobPlaces({ folder, settings: new SettingStore(database, SEALER), database });
  const { sweepBlobs } = createBlobActivities({ database, blobs, clock: () => NOW });
  return { database, blobs, sweep: () => new MockActivityEnvironment().run(sweepBlobs) };
}

describe('the sweep of blobs', () => {
  test('removes those that no row came to name in a day, and leaves all others', async () => {
    const { database, blobs, sweep } = await host();
    const { queries } = database;
    const [lost, young, named, unnoted] = await Promise.all(
      ['lost', 'young', 'named', 'unnoted'].map((content) => put(blobs, content)),
    );
    if (!lost || !young || !named || !unnoted) throw new Error('not all were put');
    await noteLooseBlobs(queries, [lost.digest, named.digest], ago(DAY + 1));
    await noteLooseBlobs(queries, [young.digest], ago(DAY - 1));
    await queries
      .insertInto('Delta')
      .values({
        snapId: 'S',
        format: 'xdelta3',
        sourceRevision: 1,
        targetRevision: 2,
        sourceSha3_384: 'a'.repeat(96),
        targetSha3_384: 'b'.repeat(96),
        sha3_384: named.digest,
        size: 5,
        createdAt: NOW.toISOString(),
      })
      .execute();

    expect(await sweep()).toBe(1);
    expect(await blobs.find(lost.digest)).toBeUndefined();
    for (const { digest } of [young, named, unnoted]) expect(await blobs.find(digest)).toBeDefined();
    expect(await looseBlobs(queries, new Date(NOW.getTime() + DAY), 10)).toEqual([young.digest]);
    expect(await sweep()).toBe(0);
  });

  test('leaves one that is brought again meanwhile', async () => {
    const { database, blobs, sweep } = await host();
    const { digest } = await put(blobs, 'again');
    await noteLooseBlobs(database.queries, [digest], ago(2 * DAY));
    await noteLooseBlobs(database.queries, [digest], NOW);
    expect(await sweep()).toBe(0);
    expect(await blobs.find(digest)).toBeDefined();
  });

  test('forgets one that is gone already', async () => {
    const { database, blobs, sweep } = await host();
    const { digest } = await put(blobs, 'gone');
    await noteLooseBlobs(database.queries, [digest], ago(2 * DAY));
    await blobs.remove(digest);
    expect(await sweep()).toBe(1);
    expect(await looseBlobs(database.queries, NOW, 10)).toEqual([]);
  });
});
