import { randomBytes } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { requireFreeBytes } from '../bundles/index.ts';
import { sentenceOf } from '../errors.ts';
import { makeFolder } from '../folders.ts';
import { copyDatabase, digestOfFile } from '../storage/index.ts';
import { MEMBER, type BackupContents } from './contents.ts';
import { BackupError } from './errors.ts';
import { readBackup, type Unlock } from './read-backup.ts';
import { checkRestored } from './verify.ts';
import type { BackupProgress } from './write-backup.ts';

/** Options of a restore. */
export interface RestoreOptions extends BackupProgress {
  /** The `blobs` folder that snaps are taken from which the backup only names; they are copied and checked. */
  readonly blobsFrom?: string | undefined;
  /** Address of an empty PostgreSQL database that the rows go to, in place of the embedded one. */
  readonly postgresql?: string | undefined;
}

/**
 * Restores a backup into a folder that is empty or not there, all or nothing: everything is written beside it, verified as
 * `verifyBackup` does, and then takes its place in one step.
 * @throws BackupError `restore-folder-unusable`, `restore-database-not-empty`, `backup-blob-missing`, and those of
 * `verifyBackup`; AirlockError `database-unavailable`
 */
export async function restoreBackup(
  path: string,
  unlock: Unlock,
  data: string,
  options: RestoreOptions = {},
): Promise<BackupContents> {
  const target = resolve(data);
  await requireEmpty(target);
  const staging = `${target}.restoring-${randomBytes(6).toString('hex')}`;
  try {
    await makeFolder(dirname(target));
    await mkdir(staging, { mode: 0o700 });
  } catch (cause) {
    throw new BackupError(
      'restore-folder-unusable',
      `cannot restore to ${target}: no folder can be made there (${sentenceOf(cause)}); name another by --data`,
      { cause },
    );
  }
  try {
    const contents = await readBackup(
      path,
      unlock,
      {
        contents: async ({ members, references }) => {
          const copied = references.filter(({ place }) => place === undefined);
          const bytes = [...members, ...copied].reduce((sum, { size }) => sum + size, 0);
          await requireFreeBytes(staging, bytes);
        },
        member: async ({ name }, chunks) => {
          const file = join(staging, placeOf(name));
          await mkdir(dirname(file), { recursive: true, mode: 0o700 });
          await pipeline(chunks, createWriteStream(file, { mode: 0o600, flags: 'wx', flush: true }));
        },
      },
      options,
    );
    await copyReferences(contents, staging, options);
    await checkRestored(staging, contents, options.signal);
    if (options.postgresql !== undefined) await moveRows(staging, options.postgresql, options.signal);
    await syncFolders(staging);
    // Takes the place of an empty folder too, and of no other.
    await rename(staging, target).catch((cause: unknown) => {
      throw unusable(target, 'it cannot be replaced by what was restored', cause);
    });
    await syncFolder(dirname(target));
    return contents;
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

async function requireEmpty(target: string): Promise<void> {
  const facts = await stat(target).catch(() => undefined);
  if (facts === undefined) return;
  if (!facts.isDirectory()) throw unusable(target, 'it is no folder');
  if ((await readdir(target)).length > 0) throw unusable(target, 'it is not empty');
  if ((await stat(dirname(target))).dev !== facts.dev)
    throw unusable(target, 'a disk is mounted there; name a folder on it that is not there yet');
}

async function copyReferences(
  { references }: BackupContents,
  staging: string,
  { blobsFrom, signal }: RestoreOptions,
): Promise<void> {
  const inFolder = references.filter(({ place }) => place === undefined);
  if (inFolder.length === 0) return;
  if (blobsFrom === undefined)
    throw new BackupError(
      'backup-blob-missing',
      `cannot restore: the backup only names its ${inFolder.length} snaps; say by --blobs-from where they are`,
    );
  for (const { digest } of inFolder) {
    signal?.throwIfAborted();
    const place = placeOf(`${MEMBER.blobs}/${digest}`);
    const from = resolve(blobsFrom, digest.slice(0, 2), digest);
    const to = join(staging, place);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await copyFile(from, to, constants.COPYFILE_FICLONE).catch((cause: unknown) => {
      throw missing(digest, `it is not in ${blobsFrom}`, cause);
    });
    if ((await digestOfFile(to, signal)).digest !== digest) throw missing(digest, `${from} is damaged`);
    await syncFolder(to);
  }
}

/** Brings the rows of the restored file to PostgreSQL in one transaction; the file then goes. */
async function moveRows(staging: string, postgresql: string, signal: AbortSignal | undefined): Promise<void> {
  const file = join(staging, MEMBER.database);
  if (!(await copyDatabase({ file }, { postgresql }, { signal })))
    throw new BackupError(
      'restore-database-not-empty',
      'cannot restore to the database of AIRLOCK_DATABASE_URL: it has rows; name an empty one',
    );
  for (const ending of ['', '-wal', '-shm']) await rm(`${file}${ending}`, { force: true });
}

/** The place of a member in a data folder: blobs are on shelves by their first digits. */
function placeOf(name: string): string {
  const prefix = `${MEMBER.blobs}/`;
  if (!name.startsWith(prefix)) return name;
  const digest = name.slice(prefix.length);
  return join(MEMBER.blobs, digest.slice(0, 2), digest);
}

async function syncFolders(root: string): Promise<void> {
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory()) await syncFolder(join(entry.parentPath, entry.name));
  await syncFolder(root);
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unusable(target: string, why: string, cause?: unknown): BackupError {
  return new BackupError(
    'restore-folder-unusable',
    `cannot restore to ${target}: ${why}; a backup is restored to an empty folder only`,
    { cause },
  );
}

function missing(digest: string, why: string, cause?: unknown): BackupError {
  return new BackupError('backup-blob-missing', `cannot restore the snap with SHA3-384 ${digest}: ${why}`, {
    cause,
  });
}
