import { once } from 'node:events';
import { constants, createReadStream } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isBlobDigest, type BlobDigest, type BlobStore, type StoredBlob } from './blob-store.ts';
import { fileSender } from './file-sending.ts';

/** Enough that a disk keeps up with one device, little enough for hundreds at once. */
const AHEAD_BYTES = 256 * 1024;
/** Files that are looked up at a time. */
const LOOK_UPS = 16;

/** Blobs that lie on this machine. */
export interface FileBlobStore extends BlobStore {
  /** Where the file of a blob is, if it is there. */
  pathOf(digest: BlobDigest): string;
}

/** Blobs as files under `folder`, two levels by the digest's first digits. The staging folder is on the same file system. */
export async function openFileBlobStore(folder: string, stagingFolder: string): Promise<FileBlobStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(stagingFolder, { recursive: true, mode: 0o700 });
  const pathOf = (digest: BlobDigest) => join(folder, digest.slice(0, 2), digest);

  async function find(digest: BlobDigest): Promise<StoredBlob | undefined> {
    try {
      return { digest, size: (await stat(pathOf(digest))).size, place: 'folder' };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  return {
    stagingFolder,
    pathOf,
    find,
    findAll: (digests) => findEach(digests, find, LOOK_UPS),
    async open({ digest }, { start, end, aheadBytes = AHEAD_BYTES } = {}) {
      const stream = createReadStream(pathOf(digest), { start, end, highWaterMark: aheadBytes });
      await once(stream, 'open');
      return stream;
    },
    sender: ({ digest, size }, { start = 0, end = size - 1 } = {}) =>
      fileSender(pathOf(digest), { start, end }),
    withFile: ({ digest }, use) => use(pathOf(digest)),
    async adopt(file, digest) {
      const present = await find(digest);
      if (present) {
        await rm(file, { force: true });
        return present;
      }
      const path = pathOf(digest);
      await syncPath(file);
      await mkdir(join(folder, digest.slice(0, 2)), { recursive: true, mode: 0o700 });
      await rename(file, path);
      await syncPath(join(folder, digest.slice(0, 2)));
      return { digest, size: (await stat(path)).size, place: 'folder' };
    },
    check: () => access(folder, constants.W_OK),
    // A file comes in whole, by its renaming.
    discardUnfinished: async () => 0,
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

/** Looks many blobs up, some at a time. */
export async function findEach(
  digests: Iterable<BlobDigest>,
  find: BlobStore['find'],
  atOnce: number,
): Promise<ReadonlyMap<BlobDigest, StoredBlob>> {
  const found = new Map<BlobDigest, StoredBlob>();
  const waiting = new Set(digests).values();
  const lane = async () => {
    // The lanes share one iterator, so that each digest is looked up by one of them.
    for (const digest of waiting) {
      const blob = await find(digest);
      if (blob !== undefined) found.set(digest, blob);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return found;
}

/** Makes a file, or the entries of a folder, survive a power cut. */
async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
