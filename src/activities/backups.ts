import { rm, stat } from 'node:fs/promises';
import {
  BackupError,
  partOf,
  publishBackup,
  sealedKey,
  verifyBackup,
  writeBackup,
  type BackupSources,
} from '../backup/index.ts';
import { appendAct, LAST_BACKUP, type Database, type SettingStore } from '../storage/index.ts';
import type { BackupInput, BackupOutcome } from '../workflows/backup-contract.ts';
import { withHeartbeats } from './heartbeats.ts';

/** Data keys of backups that are being made lie under settings that begin with this; they are in no backup. */
const KEY_SETTINGS = 'backup.key.';

/** What backups need from the host. */
export interface BackupDeps extends Omit<BackupSources, 'database'> {
  readonly database: Database;
  readonly settings: SettingStore;
  readonly clock: () => Date;
}

/** The activities of a backup. They run where the data folder is. */
export function createBackupActivities(deps: BackupDeps) {
  const { database, settings, dataFolder, blobs, clock } = deps;
  const sources: BackupSources = { dataFolder, blobs, database: database.location };
  return {
    /** Writes the file beside its place; resolves to its size. */
    async writeBackupFile(input: BackupInput, at: string): Promise<{ readonly bytes: number }> {
      const order = {
        path: input.path,
        backupId: input.backupId,
        createdAt: at,
        blobs: input.blobs,
        key: sealedKey.parse(JSON.parse(input.key)),
        dataKey: await dataKeyOf(settings, input),
        forget: KEY_SETTINGS,
      };
      await withHeartbeats((signal, report) =>
        writeBackup(order, sources, { signal, onProgress: (bytes) => report({ bytes }) }),
      );
      return { bytes: (await stat(partOf(input))).size };
    },

    /** Reads the file back, and checks all of it. */
    async verifyBackupFile(input: BackupInput): Promise<Pick<BackupOutcome, 'snaps'>> {
      const dataKey = await dataKeyOf(settings, input);
      const contents = await withHeartbeats((signal, report) =>
        verifyBackup(
          partOf(input),
          { dataKey },
          { signal, onProgress: (bytes) => report({ bytes }), scratch: dataFolder.staging },
        ),
      );
      const inside = contents.members.filter(({ name }) => name.startsWith('blobs/')).length;
      return { snaps: inside + contents.references.length };
    },

    /** Gives the verified file its name, and notes it for `status`. */
    async publishBackupFile(
      input: BackupInput,
      at: string,
      found: Pick<BackupOutcome, 'snaps'>,
    ): Promise<BackupOutcome> {
      const { backupId, path } = input;
      // A repeat after the renaming finds the file in its place.
      const renamed = (await stat(partOf(input)).catch(() => undefined)) === undefined;
      const size = renamed ? (await stat(path)).size : await publishBackup(input);
      const now = clock();
      const note = { at, verified: true, verifiedAt: now.toISOString(), backupId, path };
      await settings.change(new Map([[LAST_BACKUP, { value: JSON.stringify(note), secret: false }]]), now);
      await appendAct(database.queries, {
        at: now,
        actor: input.actor,
        act: 'backup.make',
        subject: path.slice(-255),
        details: { backupId, size },
      });
      return { backupId, path, createdAt: at, size, blobs: input.blobs, ...found };
    },

    /** Forgets the key, and removes what was not finished. */
    async closeBackup(input: BackupInput): Promise<void> {
      await settings.change(new Map([[input.keySetting, undefined]]), clock());
      await rm(partOf(input), { force: true });
    },
  };
}

/** The type that workflows see. */
export type BackupActivities = ReturnType<typeof createBackupActivities>;

/**
 * The data key; gone on a machine that was restored from this very backup, where its process wakes up once more.
 * @throws BackupError `backup-key-gone`
 */
async function dataKeyOf(settings: SettingStore, { keySetting, path }: BackupInput): Promise<Uint8Array> {
  const key = await settings.get(keySetting);
  if (key !== undefined) return new Uint8Array(Buffer.from(key, 'base64url'));
  throw new BackupError(
    'backup-key-gone',
    `cannot go on with the backup to ${path}: its key is not here; it was begun before this host was restored`,
  );
}
