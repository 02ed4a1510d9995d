import { ArchiveBytes } from './archive-bytes.ts';
import { explainFailure, noManifest } from './archive-failures.ts';
import { ArchiveChecks, type BundleHead } from './archive-checks.ts';
import { BundleError, digestWrong, shownName } from './errors.ts';
import { sha3Of } from './hashing.ts';
import { MANIFEST_NAME, SIGNATURE_NAME, type MemberRole } from './layouts.ts';
import { DEFAULT_LIMITS, type BundleLimits } from './limits.ts';
import type { ManifestMember } from './manifest.ts';
import { SlotRing, type Chunk } from './slot-ring.ts';
import type { TarHeader } from './tar-header.ts';
import { TarReader } from './tar-reader.ts';

/** One member whose name, type and size are checked; its digest is the visitor's to check. */
export interface BundleMember {
  readonly listed: ManifestMember;
  readonly role: MemberRole;
  /** What it holds, piece by piece; each must be released, then or later. What is not taken is passed over, unread if possible. */
  readonly chunks: AsyncIterable<Chunk>;
}

/** What to do with what is read. */
export interface BundleVisitor {
  /** Asked once, before any member is read: trust in the exporter, staleness, disk space. */
  head?(head: BundleHead): void | Promise<void>;
  /** Asked for each member. */
  member?(member: BundleMember, head: BundleHead): Promise<void>;
}

/** Limits and a way to stop. */
export interface ReadOptions {
  readonly limits?: BundleLimits;
  readonly signal?: AbortSignal;
  /** Memory that members pass through; one of its own without. */
  readonly ring?: SlotRing;
}

/**
 * Reads an archive once, front to back; memory stays flat whatever the archive says.
 * Refuses links, devices, folders, foreign or repeated names, sizes that disagree with the manifest, anything over the
 * limits, and anything after the last member.
 * @throws BundleError with the name of the member at fault
 */
export async function readBundle(
  path: string,
  visitor: BundleVisitor,
  options: ReadOptions = {},
): Promise<BundleHead> {
  const state = new ArchiveChecks(options.limits ?? DEFAULT_LIMITS);
  const bytes = await ArchiveBytes.open(path, options.ring ?? new SlotRing(2, 2 ** 20));
  const tar = new TarReader(bytes, (count) => {
    options.signal?.throwIfAborted();
    state.meter(count);
  });
  try {
    for (let header = await tar.next(); header !== undefined; header = await tar.next())
      await readMember(header, tar, state, visitor);
    return state.finish();
  } catch (error) {
    options.signal?.throwIfAborted();
    throw explainFailure(error, state.current);
  } finally {
    await bytes.close();
  }
}

/** Reads no more than the manifest and its signature, and checks the one against the other. */
export async function readBundleHead(path: string, options: ReadOptions = {}): Promise<BundleHead> {
  let head: BundleHead | undefined;
  const stop = new Found();
  const visitor: BundleVisitor = {
    head: (found) => {
      head = found;
      throw stop;
    },
  };
  try {
    // Little is read ahead: nothing behind the head is touched, whatever state it is in.
    return await readBundle(path, visitor, { ...options, ring: new SlotRing(2, 2 ** 14) });
  } catch (error) {
    if (error === stop && head !== undefined) return head;
    throw error;
  }
}

/**
 * Reads the streams about stores and accounts, which come before any file, and no more; their digests are checked.
 * @throws BundleError
 */
export async function readSharedStreams(path: string, options: ReadOptions = {}): Promise<readonly string[]> {
  const streams: string[] = [];
  const stop = new Found();
  const visitor: BundleVisitor = {
    member: async ({ listed: { name, size, digest }, role, chunks }) => {
      if (role === 'keys') return;
      if (role !== 'assertions') throw stop;
      const bytes = await wholeOf(chunks, size);
      if (sha3Of(bytes) !== digest) throw digestWrong(name);
      streams.push(new TextDecoder().decode(bytes));
    },
  };
  try {
    await readBundle(path, visitor, options);
  } catch (error) {
    if (error !== stop) throw error;
  }
  return streams;
}

/** Ends a read on purpose, once what is looked for is known. */
class Found extends Error {}

async function readMember(
  header: TarHeader,
  tar: TarReader,
  state: ArchiveChecks,
  visitor: BundleVisitor,
): Promise<void> {
  const { name, size } = state.admit(header);
  const head = state.head;
  if (head === undefined) {
    if (name === MANIFEST_NAME) {
      state.manifest(await readWhole(tar, name, size, state.limits.manifestBytes));
      return;
    }
    if (name !== SIGNATURE_NAME) throw noManifest();
    const jws = new TextDecoder().decode(await readWhole(tar, name, size, 64 * 1024));
    const signed = await state.sign(jws);
    await visitor.head?.(signed);
    return;
  }
  const listed = state.claim(name, size);
  const role = head.layout.roleOf(head.manifest, name);
  if (role === undefined)
    throw new BundleError(
      'member-unlisted',
      `cannot accept ${shownName(name)}: it has no place in this layout`,
      { member: name },
    );
  await visitor.member?.({ listed, role, chunks: chunksOf(tar) }, head);
}

async function readWhole(tar: TarReader, name: string, size: number, limit: number): Promise<Uint8Array> {
  if (size > limit)
    throw new BundleError(
      'bundle-too-large',
      `cannot accept ${shownName(name)}: ${size} bytes are more than the limit of ${limit}`,
      { member: name },
    );
  return wholeOf(chunksOf(tar), size);
}

async function wholeOf(chunks: AsyncIterable<Chunk>, size: number): Promise<Uint8Array> {
  const whole = new Uint8Array(size);
  let at = 0;
  for await (const { bytes, release } of chunks) {
    whole.set(bytes, at);
    at += bytes.length;
    release();
  }
  return whole;
}

async function* chunksOf(tar: TarReader): AsyncIterable<Chunk> {
  for (let chunk = await tar.take(); chunk !== undefined; chunk = await tar.take()) yield chunk;
}
