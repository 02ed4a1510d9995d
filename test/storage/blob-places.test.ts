import { appendFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { Settings } from '../../src/config/index.ts';
import {
  BlobPlaces,
  blobPlacesOf,
  openFileBlobStore,
  SettingStore,
  type Database,
  type FileBlobStore,
  type StoredBlob,
} from '../../src/storage/index.ts';
import { BucketBlobStore } from '../../src/storage/bucket/store.ts';
import { startBucketServer, versitygw, type BucketServer } from '../support/bucket-server.ts';
import { temporaryDatabase } from '../support/database.ts';
import { reasonToSkip } from '../support/go-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { put, specifyBlobStore } from './blob-store-contract.ts';

const program = await versitygw();
const AT = new Date('2026-11-26T12:00:00Z');
const SEALER = { seal: (_: string, secret: string) => secret, open: (_: string, sealed: string) => sealed };

interface Place {
  readonly blobs: BlobPlaces;
  readonly database: Database;
  readonly settings: SettingStore;
  readonly folder: FileBlobStore;
  readonly server: BucketServer;
  set(values: Readonly<Record<string, string>>): Promise<void>;
}

/** Blobs as an appliance has them; `backend` is where new ones go at first. */
async function open(backend: 'local' | 's3'): Promise<Place> {
  const database = await temporaryDatabase();
  const root = await temporaryFolder();
  const folder = await openFileBlobStore(join(root, 'blobs'), join(root, 'staging'));
  const settings = new SettingStore(database, SEALER);
  const server = await startBucketServer(program.path ?? '');
  const set = (values: Readonly<Record<string, string>>) =>
    settings.change(
      new Map(Object.entries(values).map(([key, value]) => [key, { value, secret: false }])),
      AT,
    );
  await set({ ...server.settings, 'proxy.storage.backend': backend });
  return { blobs: new BlobPlaces({ folder, settings, database }), database, settings, folder, server, set };
}

const use = (backend: 'local' | 's3') => ({ 'proxy.storage.backend': backend });

async function all(blobs: AsyncIterable<StoredBlob>): Promise<string[]> {
  const found = [];
  for await (const { digest, place } of blobs) found.push(`${place} ${digest}`);
  return found.toSorted();
}

async function move(blobs: BlobPlaces): Promise<number> {
  let moved = 0;
  for await (const blob of blobs.strays()) {
    await blobs.bringHome(blob);
    moved += 1;
  }
  return moved;
}

describe.skipIf(program.path === undefined)(`where blobs lie${reasonToSkip(program)}`, () => {
  describe.each(['local', 's3'] as const)('with the backend %s', (backend) => {
    specifyBlobStore(async () => (await open(backend)).blobs);
  });

  test('new ones go where the setting says, from the next one on, and none is hidden by a change', async () => {
    const { blobs, set } = await open('local');
    const first = await put(blobs, 'first');
    await set(use('s3'));
    const second = await put(blobs, 'second');
    await set(use('local'));
    const third = await put(blobs, 'third');
    expect([first.place, second.place, third.place]).toEqual(['folder', 'bucket', 'folder']);
    for (const [blob, content] of [
      [first, 'first'],
      [second, 'second'],
      [third, 'third'],
    ] as const) {
      expect(await blobs.find(blob.digest)).toEqual(blob);
      expect((await buffer(await blobs.open(blob))).toString()).toBe(content);
    }
    expect(await all(blobs.list())).toEqual(
      [first, second, third].map(({ place, digest }) => `${place} ${digest}`).toSorted(),
    );
    expect((await blobs.findAll([first.digest, second.digest])).size).toBe(2);
  });

  test('a move brings all of them to where new ones go, there and back, and may be repeated', async () => {
    const { blobs, folder, set } = await open('local');
    const kept: StoredBlob[] = [];
    for (let index = 0; index < 5; index++) kept.push(await put(blobs, `snap ${index}`));
    await set(use('s3'));
    expect(await move(blobs)).toBe(5);
    expect(await all(folder.list())).toEqual([]);
    expect(await move(blobs)).toBe(0);
    for (const { digest } of kept) expect(await blobs.find(digest)).toMatchObject({ place: 'bucket' });
    await set(use('local'));
    expect(await move(blobs)).toBe(5);
    for (const blob of kept) expect(await blobs.find(blob.digest)).toEqual(blob);
    expect(await readdir(folder.stagingFolder)).toEqual([]);
  });

  test('a move that was interrupted between copy and removal ends with one of each', async () => {
    const { blobs, folder, server, set } = await open('local');
    const blob = await put(blobs, 'copied already');
    await set(use('s3'));
    await new BucketBlobStore(server.place(), folder.stagingFolder).copyIn(
      folder.pathOf(blob.digest),
      blob.digest,
    );
    expect(await all(blobs.list())).toEqual([`folder ${blob.digest}`]);
    expect(await move(blobs)).toBe(1);
    expect(await all(blobs.list())).toEqual([`bucket ${blob.digest}`]);
  });

  test('a damaged file is not moved, and stays for whoever looks', async () => {
    const { blobs, folder, server, set } = await open('local');
    const blob = await put(blobs, 'sound');
    await appendFile(folder.pathOf(blob.digest), ' no more');
    await set(use('s3'));
    const stray = (await blobs.find(blob.digest)) ?? blob;
    await expect(blobs.bringHome(stray)).rejects.toMatchObject({
      code: 'bucket-file-damaged',
      message: expect.stringContaining(folder.pathOf(blob.digest)),
    });
    expect(await readdir(join(server.folder, 'snaps'))).toEqual([]);
    expect(await folder.find(blob.digest)).toBeDefined();
  });

  test('two processes on one database and one bucket see the same at once', async () => {
    const { blobs: one, settings, database } = await open('s3');
    const root = await temporaryFolder();
    const folder = await openFileBlobStore(join(root, 'blobs'), join(root, 'staging'));
    const other = new BlobPlaces({ folder, settings, database });
    const blob = await put(one, 'seen by both');
    expect(await other.find(blob.digest)).toEqual(blob);
    expect((await buffer(await other.open(blob))).toString()).toBe('seen by both');
    await other.remove(blob.digest);
    expect(await one.find(blob.digest)).toBeUndefined();
  });

  test('a bucket that does not answer hides nothing of the folder', async () => {
    const { blobs, server } = await open('local');
    const blob = await put(blobs, 'here');
    await server.stop();
    expect(await blobs.find(blob.digest)).toEqual(blob);
    expect((await buffer(await blobs.open(blob))).toString()).toBe('here');
    await expect(blobs.check()).rejects.toMatchObject({ code: 'bucket-unreachable' });
    await server.start();
    await blobs.check();
  });

  test('a missing access key is named', async () => {
    const { blobs, set } = await open('s3');
    await set({ 'proxy.storage.s3.secret-access-key': '' });
    await expect(blobs.check()).rejects.toMatchObject({ code: 'bucket-refused' });
    expect(() => blobPlacesOf(new Settings(new Map(Object.entries(use('s3')))))).toThrow(
      'cannot use S3 storage: proxy.storage.s3.access-key-id is not set',
    );
  });
});
