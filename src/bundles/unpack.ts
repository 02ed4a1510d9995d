import { mkdir, open, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleHead } from './archive-checks.ts';
import { readBundle, type BundleMember, type ReadOptions } from './archive-reader.ts';
import { noSpace } from './archive-writer.ts';
import { BundleError, shownName } from './errors.ts';
import { Digester } from './digester.ts';
import type { Manifest } from './manifest.ts';

/** Bytes that stay free on a disk that an archive is unpacked to. */
const RESERVE = 64 * 2 ** 20;

/** Members that are made durable at a time, beside the one that is unpacked. */
const SYNCS = 4;

/** Where members go, and which need not be kept. */
export interface UnpackOptions extends ReadOptions {
  /** A folder of this archive's own; members are named by their SHA3-384 in it. */
  readonly folder: string;
  /** Blobs that are stored already: checked all the same, and not written again. */
  readonly have?: (digest: string) => Promise<boolean>;
  /** Asked with the signed head before anything is kept; throws to refuse the archive. */
  readonly accept?: (head: BundleHead) => void | Promise<void>;
  /** Called as bytes of members pass. */
  readonly onProgress?: (bytes: number, member: string) => void;
}

/**
 * Reads an archive once and leaves every member whose digest holds in `folder`, written whole or not at all.
 * Members that an interrupted run left there were verified by it and are passed over. A refused archive leaves no folder.
 * @throws BundleError with the member at fault
 */
export async function unpackBundle(path: string, options: UnpackOptions): Promise<BundleHead> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const digester = new Digester();
  const keeping = new Keeping();
  let bytes = 0;
  const onBytes = (count: number, member: string) => {
    bytes += count;
    options.onProgress?.(bytes, member);
  };
  try {
    const found = await readBundle(
      path,
      {
        head: async (head) => {
          await options.accept?.(head);
          await requireSpace(options.folder, head.manifest, options.have);
        },
        member: (member) => keepMember(member, options, { digester, keeping }, onBytes),
      },
      options,
    );
    await keeping.finish();
    return found;
  } catch (error) {
    await keeping.finish().catch(() => undefined);
    if (!isAbort(error)) await rm(options.folder, { recursive: true, force: true });
    throw noSpace(error, options.folder);
  } finally {
    await digester.close();
  }
}

async function keepMember(
  member: BundleMember,
  options: UnpackOptions,
  { digester, keeping }: { readonly digester: Digester; readonly keeping: Keeping },
  onBytes: (count: number, member: string) => void,
): Promise<void> {
  const { name, digest, size } = member.listed;
  const target = join(options.folder, digest);
  await keeping.room(digest);
  if (await isWhole(target, size)) {
    for await (const chunk of member.chunks) onBytes(chunk.byteLength, name);
    return;
  }
  const known = member.role === 'snap' && (await options.have?.(digest)) === true;
  const stream = digester.begin(size);
  const onChunk = async (chunk: Uint8Array) => {
    await stream.update(chunk);
    onBytes(chunk.byteLength, name);
  };
  if (known) for await (const chunk of member.chunks) await onChunk(chunk);
  else await writeChunks(member.chunks, `${target}.part`, onChunk);
  const found = await stream.digest();
  if (found !== digest) {
    await rm(`${target}.part`, { force: true });
    throw new BundleError(
      'member-digest-wrong',
      `cannot accept ${shownName(name)}: its bytes are not those that were exported (SHA3-384 differs)`,
      { member: name },
    );
  }
  if (!known) keeping.begin(digest, target);
}

/** Members on their way from memory to the disk: each gets its name once it is safe there, while the next ones are unpacked. */
class Keeping {
  readonly #pending = new Map<string, Promise<void>>();

  /** Waits for the same member, should it come twice under two names, and for the oldest when there are many. */
  async room(digest: string): Promise<void> {
    await this.#pending.get(digest);
    const [oldest] = this.#pending.values();
    if (this.#pending.size >= SYNCS) await oldest;
  }

  /** Begins to make `target.part` durable, and gives it its name then. */
  begin(digest: string, target: string): void {
    const keep = async () => {
      const file = await open(`${target}.part`, 'r+');
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(`${target}.part`, target);
      this.#pending.delete(digest);
    };
    const kept = keep();
    kept.catch(() => undefined);
    this.#pending.set(digest, kept);
  }

  /** Waits for all; throws the first failure. */
  async finish(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#pending.values());
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** Writes while it hashes: the write of a chunk runs beside the digest of it and the unpacking of the next. */
async function writeChunks(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  onChunk: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const file = await open(path, 'w', 0o600);
  let writing = Promise.resolve();
  try {
    for await (const chunk of chunks) {
      await writing;
      writing = writeAll(file, chunk);
      writing.catch(() => undefined);
      await onChunk(chunk);
    }
    await writing;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await writing.catch(() => undefined);
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength) done += (await file.write(chunk, done)).bytesWritten;
}

async function isWhole(path: string, size: number): Promise<boolean> {
  try {
    return (await stat(path)).size === size;
  } catch {
    return false;
  }
}

/** Asks the disk before anything is written to it. */
async function requireSpace(folder: string, manifest: Manifest, have: UnpackOptions['have']): Promise<void> {
  let needed = 0;
  for (const member of manifest.members)
    if (have === undefined || !(await have(member.digest))) needed += member.size;
  await requireFreeBytes(folder, needed);
}

/**
 * Throws `disk-full` unless the disk of `folder` has room for so many bytes, and some to spare.
 * @throws BundleError
 */
export async function requireFreeBytes(folder: string, needed: number): Promise<void> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  if (needed + RESERVE > free)
    throw new BundleError(
      'disk-full',
      `cannot continue: ${inMiB(needed)} MiB are needed in ${folder} and ${inMiB(free)} MiB are free; make room and repeat`,
    );
}

function inMiB(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'CancelledFailure');
}
