import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';
import { noSpace, requireFreeBytes } from '../bundles/index.ts';
import { AirlockError } from '../errors.ts';
import { CONTENTS_NAME, type BackupContents } from './contents.ts';
import type { SealedKey } from './data-key.ts';
import { BackupError } from './errors.ts';
import { encodeHeader } from './header.ts';
import { sealStream } from './sealed-stream.ts';
import { takeSnapshot, type BackupSources, type SourceMember } from './sources.ts';

/** What is wanted. */
export interface BackupOrder {
  /** Absolute; nothing may be there yet. */
  readonly path: string;
  readonly backupId: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly blobs: BackupContents['blobs'];
  readonly key: SealedKey;
  readonly dataKey: Uint8Array;
  /** Settings whose keys begin with this stay out: the keys of backups that are being made. */
  readonly forget: string;
}

/** Options of a long step. */
export interface BackupProgress {
  readonly signal?: AbortSignal | undefined;
  /** Bytes so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The file while it is being written; it has its name once it was verified. */
export function partOf({ path, backupId }: Pick<BackupOrder, 'path' | 'backupId'>): string {
  return `${path}.${backupId}.part`;
}

/**
 * Writes a backup beside its place, under {@link partOf}'s name, durably. Whoever called it verifies the file and then
 * {@link publishBackup}s it. A repeat begins anew with a fresh snapshot.
 * @throws BackupError `backup-file-exists`, `backup-source-changed`; BundleError `disk-full`
 */
export async function writeBackup(
  order: BackupOrder,
  sources: BackupSources,
  options: BackupProgress = {},
): Promise<BackupContents> {
  await requireNothingAt(order.path);
  const folder = join(sources.dataFolder.staging, `backup-${order.backupId}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const part = partOf(order);
  try {
    const { forget } = order;
    const snapshot = await takeSnapshot(folder, sources, order, { forget, signal: options.signal });
    await requireFreeBytes(dirname(order.path), total(snapshot.contents));
    await writeSealed(part, order, snapshot.contents, snapshot.members, options);
    return snapshot.contents;
  } catch (error) {
    await rm(part, { force: true });
    throw noSpace(error, order.path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Gives a verified backup its name.
 * @throws BackupError `backup-file-exists`
 */
export async function publishBackup(order: Pick<BackupOrder, 'path' | 'backupId'>): Promise<number> {
  await requireNothingAt(order.path);
  await rename(partOf(order), order.path);
  await syncPath(dirname(order.path));
  return (await stat(order.path)).size;
}

/** @throws BackupError `backup-file-exists`, `backup-file-unusable` */
export async function requireNothingAt(path: string): Promise<void> {
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory())
    throw new BackupError(
      'backup-file-unusable',
      `cannot write ${path}: its folder is not there; make it first`,
    );
  if ((await stat(path).catch(() => undefined)) === undefined) return;
  throw new BackupError(
    'backup-file-exists',
    `cannot write ${path}: there is a file already; backups are never overwritten, so choose another name`,
  );
}

async function writeSealed(
  part: string,
  order: BackupOrder,
  contents: BackupContents,
  members: readonly SourceMember[],
  options: BackupProgress,
): Promise<void> {
  const { backupId, createdAt, key, dataKey } = order;
  const header = encodeHeader({ backupId, createdAt, key });
  const archive = pack();
  const sealed = async function* () {
    yield header;
    yield* sealStream(bytesOf(archive), dataKey, header);
  };
  const flow = pipeline(
    Readable.from(sealed(), { objectMode: false }),
    createWriteStream(part, { mode: 0o600 }),
    {
      ...(options.signal && { signal: options.signal }),
    },
  );
  flow.catch((error: unknown) => archive.destroy(error instanceof Error ? error : undefined));
  const fill = async () => {
    const mtime = new Date(createdAt);
    await addText(archive, CONTENTS_NAME, JSON.stringify(contents), mtime);
    const pace = { done: 0, total: total(contents) };
    for (const member of members) {
      options.signal?.throwIfAborted();
      await addMember(archive, member, mtime, (bytes) => {
        pace.done += bytes;
        options.onProgress?.(pace.done, pace.total);
      });
    }
    archive.finalize();
  };
  try {
    await Promise.all([fill(), flow]);
  } catch (error) {
    archive.destroy();
    await flow.catch(() => undefined);
    throw error;
  }
  await syncPath(part);
}

async function* bytesOf(archive: Pack): AsyncIterable<Uint8Array> {
  for await (const chunk of archive) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('internal error: a tar stream that is not bytes');
    yield chunk;
  }
}

function addText(archive: Pack, name: string, text: string, mtime: Date): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry({ name, mode: 0o600, mtime }, text, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

async function addMember(
  archive: Pack,
  { name, size, digest, open: openSource }: SourceMember,
  mtime: Date,
  passed: (bytes: number) => void,
): Promise<void> {
  const source: AsyncIterable<Buffer> & Readable = await openSource().catch((error: unknown) => {
    throw error instanceof AirlockError ? error : changed(name);
  });
  let done = 0;
  const hash = createHash('sha3-384');
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      done += chunk.byteLength;
      if (done > size) throw changed(name);
      hash.update(chunk);
      passed(chunk.byteLength);
      yield chunk;
    }
    if (done < size) throw changed(name);
  };
  await new Promise<void>((resolve, reject) => {
    const entry = archive.entry({ name, size, mode: 0o600, mtime }, (error) => {
      if (error) reject(error);
      else resolve();
    });
    pipeline(source, counted, entry).catch(reject);
  });
  if (hash.digest('hex') !== digest) throw changed(name);
}

function total({ members }: BackupContents): number {
  return members.reduce((sum, { size }) => sum + size, 0);
}

function changed(name: string): BackupError {
  return new BackupError(
    'backup-source-changed',
    `cannot back up ${name}: the stored file went away or is not what it was; it is tried again, and if it stays so, check the disk, remove the file, and push an archive that holds it`,
  );
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
