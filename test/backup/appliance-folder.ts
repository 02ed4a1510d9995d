/** A data folder with all that a running appliance keeps, on real parts. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { DataFolder } from '../../src/config/index.ts';
import { createSoftHsmToken, openHsm } from '../../src/hsm/index.ts';
import {
  SettingStore,
  openDatabase,
  openFileBlobStore,
  parseBlobDigest,
  type BlobDigest,
  type FileBlobStore,
  type Database,
  type DatabaseLocation,
} from '../../src/storage/index.ts';
import { sealDataKey, type BackupOrder, type Recipient } from '../../src/backup/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PIN = '123456';
export const PASSPHRASE = 'correct horse battery staple';
export const SECRET = 'the secret of device sessions';
const AT = new Date('2026-02-03T04:05:06.000Z');

export interface ApplianceFolder {
  readonly dataFolder: DataFolder;
  readonly database: Database;
  readonly settings: SettingStore;
  readonly blobs: FileBlobStore;
}

/**
 * The folder of an appliance in use: a database with a sealed secret, and an empty blob store.
 * @param root a folder that was used before
 * @param location where the database is, if not in the folder
 */
export async function applianceFolder(root?: string, location?: DatabaseLocation): Promise<ApplianceFolder> {
  const dataFolder = await new DataFolder(root ?? join(await temporaryFolder(), 'data'), {}).prepare();
  const database = await openDatabase(location ?? { file: dataFolder.database });
  onTestFinished(() => database.close());
  const settings = new SettingStore(database, await dataFolder.openSecretBox());
  const blobs = await openFileBlobStore(dataFolder.blobs, dataFolder.staging);
  if (root === undefined)
    await settings.change(new Map([['proxy.device-auth.secret', { value: SECRET, secret: true }]]), AT);
  return { dataFolder, database, settings, blobs };
}

/** Puts random bytes into the blob store. */
export async function putBlob({ blobs }: ApplianceFolder, size: number): Promise<BlobDigest> {
  const bytes = randomBytes(size);
  const digest = parseBlobDigest(createHash('sha3-384').update(bytes).digest('hex'));
  const file = join(blobs.stagingFolder, 'incoming');
  await writeFile(file, bytes);
  await blobs.adopt(file, digest);
  return digest;
}

/** Opens the embedded token of a data folder; made at the first time. */
export async function openToken({ dataFolder }: Pick<ApplianceFolder, 'dataFolder'>) {
  const { modulePath, env } = await createSoftHsmToken({
    directory: dataFolder.softHsm,
    label: 'airlock',
    pin: PIN,
    soPin: PIN,
  });
  const hsm = await openHsm({
    module: { path: modulePath, env },
    tokenLabel: 'airlock',
    pin: () => Promise.resolve(PIN),
  });
  onTestFinished(() => hsm.close());
  return hsm;
}

let usualKey: ReturnType<typeof sealDataKey> | undefined;

/** An order for a backup to that path. The key that the passphrase opens is the same each time: to seal one takes a third of a second. */
export async function orderOf(
  path: string,
  over: { readonly blobs?: 'content' | 'reference'; readonly recipient?: Recipient } = {},
): Promise<BackupOrder> {
  const { dataKey, sealed } = await (over.recipient === undefined
    ? (usualKey ??= sealDataKey({ passphrase: PASSPHRASE }))
    : sealDataKey(over.recipient));
  return {
    path,
    backupId: randomBytes(8).toString('hex'),
    createdAt: AT.toISOString(),
    blobs: over.blobs ?? 'content',
    key: sealed,
    dataKey,
    forget: 'backup.key.',
  };
}
