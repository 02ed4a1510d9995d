import { access, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSweepActivities } from '../../src/activities/sweeps.ts';
import { addUpload, uploadFile } from '../../src/storage/authority/index.ts';
import { openFileBlobStore } from '../../src/storage/index.ts';
import { temporaryDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const now = new Date('2026-11-21T12:00:00Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3600_000);

async function host() {
  const folder = await temporaryFolder();
  const blobs = await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
  const database = await temporaryDatabase();
  const exportFolder = join(folder, 'exports');
  const sweeps = createSweepActivities({ database, blobs, exportFolder, clock: () => now });
  return { blobs, database, exportFolder, sweeps };
}

describe('the sweeps', () => {
  it('forget used nonces an hour after their time, and no sooner', async () => {
    const { database, sweeps } = await host();
    for (const [nonce, hours] of [
      ['old', 2],
      ['recent', 0.5],
      ['valid', -1],
    ] as const) {
      await database.queries
        .insertInto('SpentNonce')
        .values({ nonce, expiresAt: hoursAgo(hours).toISOString() })
        .execute();
    }
    expect(await sweeps.sweepNonces()).toBe(1);
    const left = await database.queries.selectFrom('SpentNonce').select('nonce').orderBy('nonce').execute();
    expect(left.map(({ nonce }) => nonce)).toEqual(['recent', 'valid']);
  });

  it('remove uploads that nobody claimed in a day, with their files, and leave the others', async () => {
    const { blobs, database, sweeps } = await host();
    for (const [id, hours] of [
      ['old', 25],
      ['claimed', 25],
      ['new', 1],
    ] as const) {
      await addUpload(database.queries, { id, size: 1, fileName: 'x.snap' }, hoursAgo(hours));
      await writeFile(uploadFile(blobs, id), 'x');
    }
    await database.queries
      .updateTable('Upload')
      .set({ state: 'processing' })
      .where('id', '=', 'claimed')
      .execute();
    expect(await sweeps.sweepUnclaimedUploads()).toBe(1);
    await expect(access(uploadFile(blobs, 'old'))).rejects.toThrow('ENOENT');
    await Promise.all(['claimed', 'new'].map((id) => access(uploadFile(blobs, id))));
    expect(await sweeps.sweepUnclaimedUploads()).toBe(0);
  });

  it('remove exports of accounts two days after their last file, which no process keeps so long', async () => {
    const { exportFolder, sweeps } = await host();
    expect(await sweeps.sweepAccountExports()).toBe(0);
    const accounts = join(exportFolder, 'accounts');
    for (const [name, folderHours, fileHours] of [
      ['terminated', 49, 49],
      ['still-written', 49, 1],
      ['kept', 20, 20],
    ] as const) {
      const file = join(accounts, name, 'store.tar.gz');
      await mkdir(join(accounts, name), { recursive: true });
      await writeFile(file, 'x');
      await utimes(file, hoursAgo(fileHours), hoursAgo(fileHours));
      await utimes(join(accounts, name), hoursAgo(folderHours), hoursAgo(folderHours));
    }
    await writeFile(join(exportFolder, 'of-the-operator.tar.gz'), 'x');
    await utimes(join(exportFolder, 'of-the-operator.tar.gz'), hoursAgo(99), hoursAgo(99));
    expect(await sweeps.sweepAccountExports()).toBe(1);
    expect(await readdir(accounts)).toEqual(['kept', 'still-written']);
    expect(await readdir(exportFolder)).toEqual(['accounts', 'of-the-operator.tar.gz']);
  });
});
