import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DataFolder } from '../config/index.ts';
import { MEMBER, blobOf, type BackupContents } from './contents.ts';
import { BackupError } from './errors.ts';
import { readBackup, type Unlock } from './read-backup.ts';
import { checkSqlite } from './sqlite.ts';
import type { BackupProgress } from './write-backup.ts';

/**
 * Verifies a backup to the last byte: decrypts all of it, checks every digest, opens the copies of the databases for
 * reading, runs their integrity check, opens every sealed secret with the master key inside, and looks whether every blob
 * that the database names is there.
 * @param scratch folder for the copies of the databases; the system's own for temporary files unless given
 * @throws BackupError that says what is wrong
 */
export async function verifyBackup(
  path: string,
  unlock: Unlock,
  options: BackupProgress & { readonly scratch?: string } = {},
): Promise<BackupContents> {
  const folder = await mkdtemp(join(options.scratch ?? tmpdir(), 'airlock-verify-'));
  try {
    const contents = await readBackup(
      path,
      unlock,
      {
        async member({ name }, chunks) {
          if (name === MEMBER.database || name === MEMBER.temporal)
            await pipeline(chunks, createWriteStream(join(folder, name), { mode: 0o600 }));
          else if (name === MEMBER.masterKey) {
            await writeFile(join(folder, name), chunks, { mode: 0o600 });
          } else for await (const _ of chunks);
        },
      },
      options,
    );
    await checkRestored(folder, contents, options.signal);
    return contents;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Checks databases and master key as they lie in `folder`.
 * @throws BackupError `backup-database-unsound`
 */
export async function checkRestored(
  folder: string,
  contents: BackupContents,
  signal: AbortSignal | undefined,
): Promise<void> {
  const names = new Set(contents.members.map(({ name }) => name));
  if (names.has(MEMBER.temporal)) {
    const { problems } = await checkSqlite(join(folder, MEMBER.temporal), { airlock: false, signal });
    requireSound(MEMBER.temporal, problems);
  }
  // Without an environment: the master key inside is meant, not that of this machine.
  const box = await new DataFolder(folder, {}).openSecretBox();
  if (!names.has(MEMBER.database)) return;
  const found = await checkSqlite(join(folder, MEMBER.database), { airlock: true, signal });
  requireSound(MEMBER.database, found.problems);
  for (const { key, value } of found.secrets) {
    try {
      box.open(key, value);
    } catch (cause) {
      throw unsound(`the setting ${key} cannot be opened with the master key inside`, cause);
    }
  }
  const blobs = new Set([...names].flatMap((name) => blobOf(name) ?? []));
  for (const { digest } of contents.references) blobs.add(digest);
  const missing = found.blobs.filter((digest) => !blobs.has(digest));
  if (missing.length > 0)
    throw new BackupError(
      'backup-blob-missing',
      `cannot use the backup: ${missing.length} snaps that the database names are not in it, the first with SHA3-384 ${missing[0]}`,
    );
}

function requireSound(name: string, problems: readonly string[]): void {
  if (problems.length > 0) throw unsound(`${name} is damaged: ${problems.join('; ').slice(0, 300)}`);
}

function unsound(why: string, cause?: unknown): BackupError {
  return new BackupError('backup-database-unsound', `cannot use the backup: ${why}`, { cause });
}
