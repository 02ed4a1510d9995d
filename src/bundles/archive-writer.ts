import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable, TransformOptions } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, type ZlibOptions } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { Digester } from './digester.ts';
import { BundleError } from './errors.ts';
import { sha3Of } from './hashing.ts';
import { MANIFEST_NAME, SIGNATURE_NAME } from './layouts.ts';
import { encodeManifest, type Manifest } from './manifest.ts';
import type { ManifestSigner } from './signature.ts';

const CHUNK = 2 ** 20;
/** Bytes in flight between two stages: enough that the disk is busy while a digest keeps the main thread busy. */
const AHEAD = 4 * CHUNK;
/** Snaps are compressed already: gzip only frames them. */
const PACKING: ZlibOptions & TransformOptions = {
  level: 0,
  memLevel: 9,
  chunkSize: CHUNK,
  highWaterMark: AHEAD,
};

/** Where the bytes of a member come from: memory, or a stream that is read as it is written. */
export type MemberSource = Uint8Array | { readonly open: () => Promise<Readable> };

/** What an archive is written from. */
export interface BundleContent {
  readonly manifest: Manifest;
  readonly signer: ManifestSigner;
  /** The bytes of a member that the manifest lists. */
  source(member: Manifest['members'][number]): MemberSource | Promise<MemberSource>;
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
 * Snaps are compressed already, so gzip stores them. Every member is hashed as it passes; a file whose bytes are not the
 * manifest's ends the write. The archive has its name only once it is whole and on the disk.
 * @throws BundleError `source-changed`, `disk-full`
 */
export async function writeBundle(
  path: string,
  content: BundleContent,
  options: WriteOptions = {},
): Promise<WrittenBundle> {
  const manifest = encodeManifest(content.manifest);
  const jws = await content.signer.sign(manifest);
  const modified = new Date(content.manifest.createdAt);
  const partial = `${path}.part`;
  const archive = pack({ highWaterMark: AHEAD });
  const flow = pipeline(
    archive,
    createGzip(PACKING),
    createWriteStream(partial, { mode: 0o644, highWaterMark: AHEAD }),
    { signal: options.signal },
  );
  flow.catch(() => undefined);
  const digester = new Digester();
  const fill = async () => {
    await addBytes(archive, MANIFEST_NAME, manifest, modified);
    await addBytes(archive, SIGNATURE_NAME, new TextEncoder().encode(`${jws}\n`), modified);
    const progress = { bytes: 0 };
    for (const member of content.manifest.members) {
      options.signal?.throwIfAborted();
      const source = await content.source(member);
      if (source instanceof Uint8Array) await addChecked(archive, member, source, modified);
      else await addStream(archive, member, source.open, modified, progress, digester, options);
    }
    archive.finalize();
  };
  try {
    await Promise.all([fill(), flow]);
    await syncFile(partial);
    await rename(partial, path);
    await syncFile(dirname(path));
  } catch (error) {
    archive.destroy();
    await flow.catch(() => undefined);
    await rm(partial, { force: true });
    throw noSpace(error, path);
  } finally {
    await digester.close();
  }
  return { path, size: (await stat(path)).size, digest: sha3Of(manifest) };
}

function addBytes(archive: Pack, name: string, bytes: Uint8Array, mtime: Date): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry({ name, size: bytes.byteLength, mode: 0o644, mtime }, Buffer.from(bytes), (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

async function addChecked(
  archive: Pack,
  member: Manifest['members'][number],
  bytes: Uint8Array,
  mtime: Date,
): Promise<void> {
  if (bytes.byteLength !== member.size || sha3Of(bytes) !== member.digest) throw changed(member.name);
  await addBytes(archive, member.name, bytes, mtime);
}

async function addStream(
  archive: Pack,
  member: Manifest['members'][number],
  openSource: () => Promise<Readable>,
  mtime: Date,
  progress: { bytes: number },
  digester: Digester,
  options: WriteOptions,
): Promise<void> {
  const source: AsyncIterable<Buffer> & Readable = await openSource();
  const hash = digester.begin(member.size);
  let passed = 0;
  const written = new Promise<void>((resolve, reject) => {
    const entry = archive.entry({ name: member.name, size: member.size, mode: 0o644, mtime }, (error) => {
      if (error) reject(error);
      else resolve();
    });
    const hashed = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        passed += chunk.byteLength;
        if (passed > member.size) throw changed(member.name);
        await hash.update(chunk);
        progress.bytes += chunk.byteLength;
        options.onProgress?.(progress.bytes, member.name);
        yield chunk;
      }
      if (passed < member.size) throw changed(member.name);
    };
    pipeline(source, hashed, entry).catch(reject);
  });
  await written;
  if ((await hash.digest()) !== member.digest) throw changed(member.name);
}

function changed(name: string): BundleError {
  return new BundleError(
    'source-changed',
    `cannot write ${name}: the stored file is not what was recorded for it; check the disk and import or upload that snap again`,
    { member: name },
  );
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Turns the system's "no space left" into words; anything else passes through. */
export function noSpace(error: unknown, path: string): unknown {
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
    return new BundleError('disk-full', `cannot write ${path}: the disk is full; make room and repeat`, {
      cause: error,
    });
  return error;
}
