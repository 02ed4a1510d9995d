import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test } from 'vitest';

import { createUploadActivities } from '../../src/activities/uploads.ts';
import { checkAccount } from '../../src/publishers/index.ts';
import {
  addAccount,
  addUpload,
  claimUpload,
  registerName,
  uploadFile,
} from '../../src/storage/authority/index.ts';
import { openFileBlobStore, type BlobStore, type Database } from '../../src/storage/index.ts';
import { temporaryDatabase } from '../support/database.ts';
import { packSnap } from '../support/snap-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const now = new Date('2026-06-01T00:00:00Z');
const snapId = 'r'.repeat(32);
const isv = checkAccount({
  id: 'isv',
  username: 'isv',
  displayName: 'ISV',
  email: 'i@example.com',
  validation: 'unproven',
});

interface Bench {
  readonly database: Database;
  readonly blobs: BlobStore;
  /** Puts a file where an upload would be, claimed for the snap. */
  readonly put: (id: string, file: string, channels?: readonly string[]) => Promise<void>;
  readonly admit: (id: string, blobs?: BlobStore) => Promise<unknown>;
  readonly snap: (version: string) => Promise<string>;
}

async function bench(): Promise<Bench> {
  const folder = await temporaryFolder();
  const database = await temporaryDatabase();
  const blobs = await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
  await database.transaction(async (queries) => {
    await addAccount(queries, isv, now);
    await registerName(
      queries,
      { snapId, name: 'robot', storeId: 'ubuntu', publisherId: 'isv', private: false },
      'test',
      now,
    );
  });
  return {
    database,
    blobs,
    async put(id, file, channels = []) {
      await copyFile(file, uploadFile(blobs, id));
      await addUpload(database.queries, { id, size: 1, fileName: 'robot.snap' }, now);
      await claimUpload(database.queries, { id, snapId, snapName: 'robot', accountId: 'isv', channels }, now);
    },
    admit(id, other = blobs) {
      const { admitUpload } = createUploadActivities({ database, blobs: other, now: () => now });
      return new MockActivityEnvironment().run(admitUpload, { uploadId: id });
    },
    async snap(version) {
      const file = join(folder, `robot-${version}.snap`);
      await packSnap({ name: 'robot', version, type: 'app' }, file);
      return file;
    },
  };
}

async function blobCount(blobs: BlobStore): Promise<number> {
  let count = 0;
  for await (const _ of blobs.list()) count += 1;
  return count;
}

describe('an upload', () => {
  test('that is tried again after a crash keeps its revision and loses nothing', async () => {
    const { blobs, put, admit, snap, database } = await bench();
    await put('u1', await snap('1'));
    const crashing: BlobStore = { ...blobs, adopt: () => Promise.reject(new Error('the power went')) };
    await expect(admit('u1', crashing)).rejects.toThrow('the power went');
    expect(await blobCount(blobs)).toBe(0);
    const outcome = { outcome: { state: 'approved', revision: 1 }, actor: 'isv' };
    expect(await admit('u1')).toMatchObject(outcome);
    expect(await admit('u1')).toMatchObject(outcome);
    expect(await blobCount(blobs)).toBe(1);
    expect(await database.queries.selectFrom('SnapRevision').select('revision').execute()).toEqual([
      { revision: 1 },
    ]);
    expect(await readdir(blobs.stagingFolder)).toEqual([]);
  });

  test('gets the next number, and the same file its old one', async () => {
    const { put, admit, snap } = await bench();
    const [first, second] = [await snap('1'), await snap('2')];
    for (const [id, file, revision] of [
      ['u1', first, 1],
      ['u2', second, 2],
      ['u3', first, 1],
    ] as const) {
      await put(id, file);
      expect(await admit(id)).toMatchObject({ outcome: { revision } });
    }
  });

  test('that is no snap is rejected with a reason, and its file removed', async () => {
    const { blobs, put, admit } = await bench();
    const junk = join(await temporaryFolder(), 'junk');
    await writeFile(junk, 'hsqs but not really');
    await put('u1', junk);
    expect(await admit('u1')).toMatchObject({
      outcome: { state: 'rejected', errors: [{ code: 'snap-unreadable' }] },
    });
    await writeFile(junk, 'x');
    await put('u2', junk);
    expect(await admit('u2')).toMatchObject({
      outcome: { errors: [{ message: expect.stringContaining('no squashfs image') }] },
    });
    expect(await readdir(blobs.stagingFolder)).toEqual([]);
  });

  test('asked into stable with grade devel is rejected before it has a number', async () => {
    const { database, put, admit, snap } = await bench();
    const file = await snap('1');
    await put('u1', file, ['stable']);
    expect(await admit('u1')).toMatchObject({ outcome: { state: 'approved' }, channels: ['stable'] });
    const folder = await temporaryFolder();
    const devel = join(folder, 'devel.snap');
    const yaml = "name: robot\nversion: '2'\ngrade: devel\nconfinement: strict\nsummary: s\ndescription: d\n";
    await packSnap({ name: 'robot', version: '2', type: 'app', files: { 'meta/snap.yaml': yaml } }, devel);
    await put('u2', devel, ['candidate']);
    expect(await admit('u2')).toMatchObject({
      outcome: { state: 'rejected', errors: [{ code: 'release-refused' }] },
    });
    expect(await database.queries.selectFrom('SnapRevision').select('revision').execute()).toEqual([
      { revision: 1 },
    ]);
  });

  test('that nobody claimed is not looked at', async () => {
    const { database, admit } = await bench();
    await addUpload(database.queries, { id: 'u1', size: 1, fileName: 'x' }, now);
    await expect(admit('u1')).rejects.toMatchObject({ code: 'upload-unknown' });
  });
});
