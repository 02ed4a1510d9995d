import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { readSecretFile, type DataFolder } from '../config/index.ts';
import { requireFreeBytes } from '../bundles/index.ts';
import { copyDatabase, digestOfFile, type BlobStore, type DatabaseLocation } from '../storage/index.ts';
import { MEMBER, backupContents, type BackupContents, type BackupMember } from './contents.ts';
import { BackupError } from './errors.ts';
import { copySqlite } from './sqlite.ts';

/** What a backup is made from. */
export interface BackupSources {
  readonly dataFolder: DataFolder;
  readonly database: DatabaseLocation;
  readonly blobs: BlobStore;
}

/** A member, and the bytes that it is written from. */
export interface SourceMember extends BackupMember {
  readonly open: () => Promise<Readable>;
}

/** How often a folder is read again until nothing changed in between. */
const READINGS = 10;
const AHEAD_BYTES = 256 * 1024;
const FILE_MAX = 16 * 1024 * 1024;

/** What goes into the backup, apart from its bytes. */
export interface Snapshot {
  readonly contents: BackupContents;
  readonly members: readonly SourceMember[];
}

/**
 * Copies everything that changes into `folder`, while the appliance runs. The order matters: Temporal's state first, then
 * the database. So after a restore no workflow believes in a step whose rows are missing, at most one is repeated, and all
 * steps may be. Keys of the token are copied before and after, so none that the database names is missing.
 */
export async function takeSnapshot(
  folder: string,
  { dataFolder, database, blobs }: BackupSources,
  about: Pick<BackupContents, 'backupId' | 'createdAt' | 'blobs'>,
  options: { readonly forget: string; readonly signal?: AbortSignal | undefined },
): Promise<Snapshot> {
  const { signal } = options;
  await requireFreeBytes(folder, await sizesOf([dataFolder.temporalDatabase, dataFolder.database]));
  const names: string[] = [];
  if (existsSync(dataFolder.temporalDatabase)) {
    await copySqlite(dataFolder.temporalDatabase, join(folder, MEMBER.temporal), { signal });
    names.push(MEMBER.temporal);
  }
  const token = new Set(await copyToken(dataFolder.softHsm, folder));
  await copyRows(database, folder, options);
  names.push(MEMBER.database);
  for (const name of await copyToken(dataFolder.softHsm, folder)) token.add(name);
  const masterKey = await readSecretFile(dataFolder.masterKeySource.path);
  await writeFile(join(folder, MEMBER.masterKey), masterKey, { mode: 0o600 });
  names.push(MEMBER.masterKey, ...[...token].toSorted());

  const members: SourceMember[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const open = async () => createReadStream(path, { highWaterMark: AHEAD_BYTES });
    members.push({ name, open, ...(await digestOfFile(path, signal)) });
  }
  const references: BackupContents['references'] = [];
  for await (const blob of blobs.list()) {
    const { digest, size, place } = blob;
    const open = () => blobs.open(blob, { aheadBytes: AHEAD_BYTES });
    if (about.blobs === 'reference') references.push({ digest, size, ...(place === 'bucket' && { place }) });
    else members.push({ name: `${MEMBER.blobs}/${digest}`, size, digest, open });
  }
  const listed = members.map(({ name, size, digest }) => ({ name, size, digest }));
  const { backupId, createdAt, blobs: mode } = about;
  const engine = 'file' in database ? 'libsql' : 'postgresql';
  const contents = { backupId, createdAt, database: engine, blobs: mode, members: listed, references };
  return { contents: backupContents.parse(contents), members };
}

/** The rows of one moment in one file of the embedded engine, whichever engine they come from. */
async function copyRows(
  from: DatabaseLocation,
  folder: string,
  options: { readonly forget: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const to = join(folder, MEMBER.database);
  if ('file' in from) return copySqlite(from.file, to, options);
  const rows = join(folder, 'rows.sqlite');
  await copyDatabase(from, { file: rows }, options);
  // Its write-ahead log is folded in: what is backed up is one file.
  await copySqlite(rows, to, options);
}

/** Copies the files of the embedded token as they are between two changes; resolves to their names. */
async function copyToken(from: string, folder: string): Promise<string[]> {
  if (!existsSync(from)) return [];
  let last = '';
  for (let reading = 0; reading < READINGS; reading++) {
    const files = await readFolder(from);
    const digest = digestOfFiles(files);
    if (digest === last) {
      for (const [name, bytes] of files) {
        const path = join(folder, MEMBER.token, name);
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await writeFile(path, bytes, { mode: 0o600 });
      }
      return [...files.keys()].map((name) => `${MEMBER.token}/${name}`);
    }
    last = digest;
  }
  throw new BackupError(
    'backup-source-changed',
    `cannot copy the token in ${from}: it changes all the time; try again when no keys are being made`,
  );
}

async function readFolder(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of (await readdir(folder, { recursive: true })).toSorted()) {
    const path = join(folder, name);
    // What another process just removed was not worth keeping.
    const facts = await stat(path).catch(() => undefined);
    if (!facts?.isFile() || name.endsWith('.part') || facts.size > FILE_MAX) continue;
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes) files.set(name, bytes);
  }
  return files;
}

function digestOfFiles(files: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash('sha256');
  for (const [name, bytes] of files) hash.update(`${name} ${bytes.length}\n`).update(bytes);
  return hash.digest('hex');
}

async function sizesOf(paths: readonly string[]): Promise<number> {
  let sum = 0;
  for (const path of paths) if (existsSync(path)) sum += (await stat(path)).size;
  return sum;
}
