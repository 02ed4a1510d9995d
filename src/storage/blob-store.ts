import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AirlockError } from '../errors.ts';

/** SHA3-384 in lower-case hex: the only name a blob has. */
export type BlobDigest = string & { readonly blobDigest: unique symbol };

/** @throws AirlockError `blob-digest-malformed` unless `text` is 96 lower-case hex digits */
export function parseBlobDigest(text: string): BlobDigest {
  if (!isBlobDigest(text)) {
    throw new AirlockError(
      'invalid',
      'blob-digest-malformed',
      'cannot use this digest: SHA3-384 is 96 lower-case hex digits',
    );
  }
  return text;
}

function isBlobDigest(text: string): text is BlobDigest {
  return /^[0-9a-f]{96}$/.test(text);
}

/** A blob as it lies in the store. */
export interface StoredBlob {
  readonly digest: BlobDigest;
  /** Bytes. */
  readonly size: number;
  /** Where the file is, for those who stream it or hand it to another program. */
  readonly path: string;
}

/** Snap files and the like, by the SHA3-384 of what they hold: the same bytes are kept once, and never change. */
export interface BlobStore {
  /** Undefined when there is no such blob. */
  find(digest: BlobDigest): Promise<StoredBlob | undefined>;
  /** Bytes `start` to `end` inclusive, or all. The caller destroys the stream when the reader goes away. */
  read(blob: StoredBlob, range?: { readonly start: number; readonly end: number }): ReadStream;
  /**
   * Takes over a complete file whose digest the caller computed while writing it: durable, then renamed into place.
   * Does nothing (and removes the file) when the blob is already there. The file must be on the same file system.
   */
  adopt(file: string, digest: BlobDigest): Promise<StoredBlob>;
  /** Removes a blob; no error when it is gone already. */
  remove(digest: BlobDigest): Promise<void>;
  /** Every blob, in no order: for sweeps. */
  list(): AsyncIterable<StoredBlob>;
  /** A folder for files on their way in, on the store's own file system. */
  readonly stagingFolder: string;
}

/** Blobs as files under `folder`, two levels by the digest's first digits. */
export async function openFileBlobStore(folder: string, stagingFolder: string): Promise<BlobStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(stagingFolder, { recursive: true, mode: 0o700 });
  const pathOf = (digest: BlobDigest) => join(folder, digest.slice(0, 2), digest);

  async function find(digest: BlobDigest): Promise<StoredBlob | undefined> {
    const path = pathOf(digest);
    try {
      return { digest, size: (await stat(path)).size, path };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  return {
    stagingFolder,
    find,
    read: (blob, range) => createReadStream(blob.path, { ...range, highWaterMark: 256 * 1024 }),
    async adopt(file, digest) {
      const present = await find(digest);
      if (present) {
        await rm(file, { force: true });
        return present;
      }
      await syncFile(file);
      const path = pathOf(digest);
      await mkdir(join(folder, digest.slice(0, 2)), { recursive: true, mode: 0o700 });
      await rename(file, path);
      await syncFile(join(folder, digest.slice(0, 2)));
      return { digest, size: (await stat(path)).size, path };
    },
    async remove(digest) {
      await rm(pathOf(digest), { force: true });
    },
    async *list() {
      for (const shelf of await readdir(folder)) {
        if (!/^[0-9a-f]{2}$/.test(shelf)) continue;
        for (const entry of await readdir(join(folder, shelf))) {
          if (!isBlobDigest(entry)) continue;
          const blob = await find(entry);
          if (blob) yield blob;
        }
      }
    },
  };
}

/** Makes a file, or the entries of a folder, survive a power cut. */
async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** SHA3-384 (hex) and size in bytes of a file, read as a stream. */
export async function digestOfFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ digest: BlobDigest; size: number }> {
  const hash = createHash('sha3-384');
  let size = 0;
  const stream: AsyncIterable<Buffer> = createReadStream(path, {
    highWaterMark: 1024 * 1024,
    ...(signal && { signal }),
  });
  for await (const bytes of stream) {
    hash.update(bytes);
    size += bytes.length;
  }
  return { digest: parseBlobDigest(hash.digest('hex')), size };
}
