import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { isAirlockError } from '../errors.ts';
import { systemFailure } from '../system-failures.ts';
import { digestingSlots, type DigestingSlots } from './digester.ts';
import { BundleError } from './errors.ts';
import { FileWriting } from './file-writing.ts';
import { sha3Of } from './hashing.ts';
import { InFlight } from './in-flight.ts';
import { MANIFEST_NAME, SIGNATURE_NAME } from './layouts.ts';
import { encodeManifest, type Manifest, type ManifestMember } from './manifest.ts';
import type { ManifestSigner } from './signature.ts';
import { OwnSlots, type Chunk } from './slot-ring.ts';
import { slotsOf, slotsOfCachedFile, slotsOfFile } from './slot-sources.ts';
import { BLOCK_MAX } from './stored-blocks.ts';
import { StoredGzip } from './stored-gzip.ts';
import { encodeTarHeader, TAR_END, tarPadding } from './tar-header-writing.ts';

/** Memory that members pass through: enough that reading, digest and writing need not wait for each other. */
const SLOTS = 12;
/** What is only copied needs less. */
const OWN_SLOTS = 4;
/** A whole number of full blocks. */
const SLOT_BYTES = 16 * BLOCK_MAX;

/** Where the bytes of a member come from: memory, or a stream that is read as it is written. */
export type MemberSource = Uint8Array | StreamSource;

/** Bytes that are read as they are written. */
export interface StreamSource {
  readonly open: () => Promise<Readable>;
  /** The same bytes as a file on this machine, where they are one: it is read without the stream. */
  readonly path?: string | undefined;
  /** The digest of these very bytes was made a moment ago, as they were written: it is not made again. */
  readonly verified?: boolean;
}

/** What an archive is written from. */
export interface BundleContent {
  readonly manifest: Manifest;
  readonly signer: ManifestSigner;
  /** The bytes of a member that the manifest lists. */
  source(member: ManifestMember): MemberSource | Promise<MemberSource>;
}

/** Options of a long write. */
export interface WriteOptions {
  readonly signal?: AbortSignal;
  /** Called as bytes pass, with the total so far and the member in hand. */
  readonly onProgress?: (bytes: number, member: string) => void;
}

/** What was written. */
export interface WrittenBundle {
  readonly path: string;
  readonly size: number;
  /** SHA3-384 of the manifest: the name of this content. */
  readonly digest: string;
}

/**
 * Writes an archive of DESIGN 8: manifest, its signature, then every member in the manifest's order.
 * Snaps are compressed already, so gzip stores them. Every member is hashed as it passes, unless that was done a moment
 * ago; a file whose bytes are not the manifest's ends the write. The archive has its name only once it is whole and on the disk.
 * @throws BundleError `source-changed`, `disk-full`
 */
export async function writeBundle(
  path: string,
  content: BundleContent,
  options: WriteOptions = {},
): Promise<WrittenBundle> {
  const manifest = encodeManifest(content.manifest);
  const jws = await content.signer.sign(manifest);
  const partial = `${path}.part`;
  const file = await FileWriting.open(partial, 0o644);
  const bytes = content.manifest.members.reduce((sum, { size }) => sum + size, 0);
  let digesting: DigestingSlots | undefined;
  let own: OwnSlots | undefined;
  const archive: Archive = {
    gzip: new StoredGzip(file),
    digesting: () => (digesting ??= digestingSlots(SLOTS, SLOT_BYTES, bytes)),
    own: () => (own ??= new OwnSlots(OWN_SLOTS, SLOT_BYTES)),
    modified: new Date(content.manifest.createdAt),
    progress: { bytes: 0 },
    options,
  };
  try {
    await addBytes(archive, MANIFEST_NAME, manifest);
    await addBytes(archive, SIGNATURE_NAME, new TextEncoder().encode(`${jws}\n`));
    let previous: Promise<void> = Promise.resolve();
    for (const member of content.manifest.members) {
      options.signal?.throwIfAborted();
      const source = await content.source(member);
      if (source instanceof Uint8Array) {
        if (source.byteLength !== member.size || sha3Of(source) !== member.digest) throw changed(member.name);
        await addBytes(archive, member.name, source);
        continue;
      }
      const added = await addStream(archive, member, source);
      await previous;
      previous = added.finished;
    }
    await previous;
    await archive.gzip.add(TAR_END);
    await archive.gzip.finish();
    await file.close();
    await rename(partial, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await file.close();
    await rm(partial, { force: true });
    throw noSpace(error, path);
  } finally {
    own?.close();
    await digesting?.close();
  }
  return { path, size: (await stat(path)).size, digest: sha3Of(manifest) };
}

/** An archive that is being written. */
interface Archive {
  readonly gzip: StoredGzip;
  /** Slots for what is digested as it passes, and who does it. */
  readonly digesting: () => DigestingSlots;
  /** Slots for what was verified a moment ago. */
  readonly own: () => OwnSlots;
  readonly modified: Date;
  readonly progress: { bytes: number };
  readonly options: WriteOptions;
}

async function addBytes({ gzip, modified }: Archive, name: string, bytes: Uint8Array): Promise<void> {
  const size = bytes.byteLength;
  await gzip.add(encodeTarHeader({ name, size, modified }));
  await gzip.add(bytes);
  await gzip.add(tarPadding(size));
}

/** Adds what a stream brings; its digest may still be under way when the next member is begun. */
async function addStream(
  archive: Archive,
  member: ManifestMember,
  source: StreamSource,
): Promise<{ readonly finished: Promise<void> }> {
  const { gzip, modified, options } = archive;
  const { name, size } = member;
  const chunks = await chunksOf(source, archive);
  await gzip.add(encodeTarHeader({ name, size, modified }));
  const stream = source.verified === true ? undefined : archive.digesting().digester.begin(size);
  const uses = new InFlight();
  let passed = 0;
  for await (const { bytes, release } of chunks) {
    options.signal?.throwIfAborted();
    uses.throwFailure();
    passed += bytes.byteLength;
    if (passed > size) throw changed(name);
    uses.follow({ release }, ...(stream ? [stream.update(bytes)] : []), gzip.body(bytes));
    archive.progress.bytes += bytes.byteLength;
    options.onProgress?.(archive.progress.bytes, name);
  }
  if (passed < size) throw changed(name);
  await gzip.add(tarPadding(size));
  const finish = async () => {
    const digest = await stream?.digest();
    uses.throwFailure();
    if (digest !== undefined && digest !== member.digest) throw changed(name);
  };
  const finished = finish();
  finished.catch(() => undefined);
  return { finished };
}

/** Nothing of what was verified a moment ago goes to the thread of digests. */
async function chunksOf(
  { path, verified, open }: StreamSource,
  { digesting, own }: Archive,
): Promise<AsyncIterable<Chunk>> {
  if (path === undefined) return slotsOf(await open(), digesting().slots);
  return verified === true ? slotsOfCachedFile(path, own()) : slotsOfFile(path, digesting().slots);
}

function changed(name: string): BundleError {
  return new BundleError(
    'source-changed',
    `cannot write ${name}: the stored file is not what was recorded for it; check the disk and import or upload that snap again`,
    { member: name },
  );
}

/** Makes the entries of a folder survive a power cut. */
async function syncFolder(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Puts into words that a disk is full, read-only or failing; anything else passes through. */
export function noSpace(error: unknown, path: string): unknown {
  return isAirlockError(error) ? error : (systemFailure(error, `write ${path}`) ?? error);
}
