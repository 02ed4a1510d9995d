import { createReadStream } from 'node:fs';
import type { TransformOptions } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw, type ZlibOptions } from 'node:zlib';
import { extract, type Extract } from 'tar-stream';
import { explainFailure, noManifest } from './archive-failures.ts';
import { ArchiveChecks, type BundleHead } from './archive-checks.ts';
import { BundleError, shownName } from './errors.ts';
import { deflateStart } from './gzip-frame.ts';
import { MANIFEST_NAME, SIGNATURE_NAME, type MemberRole } from './layouts.ts';
import { DEFAULT_LIMITS, type BundleLimits } from './limits.ts';
import type { ManifestMember } from './manifest.ts';

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;

/** Bytes of one read, and bytes in flight between two stages. */
interface Pace {
  readonly chunk: number;
  readonly ahead: number;
}
/** Unpacking goes on while a digest keeps the main thread busy. */
const WHOLE: Pace = { chunk: 2 ** 20, ahead: 2 ** 22 };
/** Nothing behind the head is touched, whatever state it is in. */
const HEAD_ONLY: Pace = { chunk: 2 ** 14, ahead: 2 ** 14 };

/** One member whose name, type and size are checked; its digest is the visitor's to check. */
export interface BundleMember {
  readonly listed: ManifestMember;
  readonly role: MemberRole;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** What to do with what is read. */
export interface BundleVisitor {
  /** Asked once, before any member is read: trust in the exporter, staleness, disk space. */
  head?(head: BundleHead): void | Promise<void>;
  /** Asked for each member; must read all of its chunks. */
  member?(member: BundleMember, head: BundleHead): Promise<void>;
}

/** Limits and a way to stop. */
export interface ReadOptions {
  readonly limits?: BundleLimits;
  readonly signal?: AbortSignal;
}

/**
 * Reads an archive once, front to back, as a stream; memory stays flat whatever the archive says.
 * Refuses links, devices, folders, foreign or repeated names, sizes that disagree with the manifest, anything over the
 * limits, and anything after the last member.
 * @throws BundleError with the name of the member at fault
 */
export function readBundle(
  path: string,
  visitor: BundleVisitor,
  options: ReadOptions = {},
): Promise<BundleHead> {
  return read(path, visitor, options, WHOLE);
}

async function read(
  path: string,
  visitor: BundleVisitor,
  options: ReadOptions,
  pace: Pace,
): Promise<BundleHead> {
  const state = new ArchiveChecks(options.limits ?? DEFAULT_LIMITS);
  const start = await deflateStart(path);
  const tar = extract({ highWaterMark: pace.ahead });
  const unpacking: ZlibOptions & TransformOptions = { chunkSize: pace.chunk, highWaterMark: pace.ahead };
  const meter = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      state.meter(chunk.byteLength);
      yield chunk;
    }
  };
  const flow = pipeline(
    createReadStream(path, { start, highWaterMark: pace.chunk }),
    createInflateRaw(unpacking),
    meter,
    tar,
    { signal: options.signal },
  );
  let flowError: unknown;
  flow.catch((error: unknown) => {
    flowError = error;
  });
  try {
    for await (const entry of tar) await readEntry(entry, state, visitor);
    await flow;
    return state.finish();
  } catch (error) {
    const first = flowError ?? error;
    tar.destroy();
    await flow.catch(() => undefined);
    options.signal?.throwIfAborted();
    throw first instanceof HeadFound ? first : explainFailure(first, state.current);
  }
}

/** Reads no more than the manifest and its signature, and checks the one against the other. */
export async function readBundleHead(path: string, options: ReadOptions = {}): Promise<BundleHead> {
  let head: BundleHead | undefined;
  try {
    return await read(
      path,
      {
        head: (found) => {
          head = found;
          throw new HeadFound();
        },
      },
      options,
      HEAD_ONLY,
    );
  } catch (error) {
    if (error instanceof HeadFound && head !== undefined) return head;
    throw error;
  }
}

/** Ends a read on purpose, once the head is known. */
class HeadFound extends Error {}

async function readEntry(entry: Entry, state: ArchiveChecks, visitor: BundleVisitor): Promise<void> {
  const { name, size } = state.admit(entry.header);
  const head = state.head;
  if (head === undefined) {
    if (name === MANIFEST_NAME) {
      state.manifest(await readWhole(entry, name, size, state.limits.manifestBytes));
      return;
    }
    if (name !== SIGNATURE_NAME) throw noManifest();
    const jws = new TextDecoder().decode(await readWhole(entry, name, size, 64 * 1024));
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
  if (visitor.member === undefined) await drain(entry);
  else await visitor.member({ listed, role, chunks: chunksOf(entry) }, head);
}

async function readWhole(entry: Entry, name: string, size: number, limit: number): Promise<Uint8Array> {
  if (size > limit)
    throw new BundleError(
      'bundle-too-large',
      `cannot accept ${name}: ${size} bytes are more than the limit of ${limit}`,
      { member: name },
    );
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(entry)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* chunksOf(entry: Entry): AsyncIterable<Uint8Array> {
  for await (const chunk of entry) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('internal error: a tar member that is not bytes');
    yield chunk;
  }
}

async function drain(entry: Entry): Promise<void> {
  for await (const _ of entry);
}
