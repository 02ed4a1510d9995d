import { mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleHead } from './archive-checks.ts';
import { readBundle, type BundleMember, type ReadOptions } from './archive-reader.ts';
import { noSpace } from './archive-writer.ts';
import { BundleError, digestWrong } from './errors.ts';
import { Digester } from './digester.ts';
import { FileWriting } from './file-writing.ts';
import { InFlight } from './in-flight.ts';
import { Keeping } from './keeping.ts';
import { isFile } from './layouts.ts';
import type { Manifest } from './manifest.ts';
import { SlotRing } from './slot-ring.ts';

/** Bytes that stay free on a disk that an archive is unpacked to. */
const RESERVE = 64 * 2 ** 20;

/** Memory that members pass through: enough that reading, digest and writing need not wait for each other. */
const SLOTS = 12;
const SLOT_BYTES = 2 ** 20;

/** Where members go, and which need not be kept. */
export interface UnpackOptions extends ReadOptions {
  /** A folder of this archive's own; members are named by their SHA3-384 in it. */
  readonly folder: string;
  /**
   * Blobs that are stored already under this digest, whole: they are passed over, so that an archive that brings little that is
   * new costs little. What the archive holds in their place is not looked at, and not used.
   */
  readonly have?: (digest: string, size: number) => Promise<boolean>;
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
  const ring = new SlotRing(SLOTS, SLOT_BYTES);
  let digester = new Digester();
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
          digester = Digester.over(ring.memory, bytesOf(head.manifest));
        },
        member: (member) => unpackMember(member, options, { digester, keeping }, onBytes),
      },
      { ...options, ring },
    );
    await keeping.finish();
    return found;
  } catch (error) {
    const first = await keeping.firstFailure();
    if (!isAbort(error)) await rm(options.folder, { recursive: true, force: true });
    throw noSpace(first ?? error, options.folder);
  } finally {
    await digester.close();
  }
}

async function unpackMember(
  member: BundleMember,
  options: UnpackOptions,
  { digester, keeping }: { readonly digester: Digester; readonly keeping: Keeping },
  onBytes: (count: number, member: string) => void,
): Promise<void> {
  const { name, digest, size } = member.listed;
  const target = join(options.folder, digest);
  await keeping.room(digest);
  const stored = isFile(member.role) && (await options.have?.(digest, size)) === true;
  if (stored || (await isWhole(target, size))) {
    onBytes(size, name);
    return;
  }
  const file = await FileWriting.open(`${target}.part`, 0o600);
  const stream = digester.begin(size);
  const uses = new InFlight();
  try {
    for await (const chunk of member.chunks) {
      uses.follow(chunk, stream.update(chunk.bytes), file.write(chunk.bytes));
      onBytes(chunk.bytes.byteLength, name);
      uses.throwFailure();
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  const digested = stream.digest();
  keeping.begin(digest, () => keep(file, target, { digested, digest, name }));
}

/** Gives a member its name, once its digest is right and it is safe on the disk. */
async function keep(
  file: FileWriting,
  target: string,
  member: { readonly digested: Promise<string>; readonly digest: string; readonly name: string },
): Promise<void> {
  try {
    if ((await member.digested) !== member.digest) throw digestWrong(member.name);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${target}.part`, target);
}

async function isWhole(path: string, size: number): Promise<boolean> {
  try {
    return (await stat(path)).size === size;
  } catch {
    return false;
  }
}

function bytesOf({ members }: Manifest): number {
  return members.reduce((sum, { size }) => sum + size, 0);
}

/** Asks the disk before anything is written to it. */
async function requireSpace(folder: string, manifest: Manifest, have: UnpackOptions['have']): Promise<void> {
  let needed = 0;
  for (const member of manifest.members)
    if (have === undefined || !(await have(member.digest, member.size))) needed += member.size;
  await requireFreeBytes(folder, needed);
}

/**
 * Throws `disk-full` unless the disk of `folder` has room for so many bytes, and some to spare.
 * @throws BundleError
 */
export async function requireFreeBytes(folder: string, needed: number): Promise<void> {
  const free = await freeBytes(folder);
  if (needed + RESERVE > free)
    throw new BundleError(
      'disk-full',
      `cannot continue: ${inMiB(needed)} MiB are needed in ${folder} and ${inMiB(free)} MiB are free, of which ${inMiB(RESERVE)} are kept; make room and repeat`,
    );
}

/** Bytes that are free on the disk of a folder. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function inMiB(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'CancelledFailure');
}
