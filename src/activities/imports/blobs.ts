import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  noteLooseBlobs,
  parseBlobDigest,
  referencedBlobs,
  withLock,
  type BlobDigest,
  type BlobStore,
  type Database,
} from '../../storage/index.ts';
import { atOnce } from '../../at-once.ts';
import type { ImportContent } from './content.ts';
import { ImportError } from './errors.ts';
import { filesOf } from './files.ts';
import { FILES_LOCK } from './locks.ts';

/** Files that are made durable at a time: most of it is waiting for the disk. */
const ADOPTIONS = 8;

/** Where files are taken over. */
export interface AdoptionParts {
  readonly database: Pick<Database, 'queries'>;
  readonly blobs: BlobStore;
  readonly now: Date;
}

/**
 * Takes the files of an import over from its staging folder; gives those that were there.
 * @throws ImportError `file-changed` when one is neither there nor stored
 */
export async function adoptBlobs(
  folder: string,
  content: ImportContent,
  { database, blobs, now }: AdoptionParts,
): Promise<readonly BlobDigest[]> {
  const adopted: BlobDigest[] = [];
  const unstaged: BlobDigest[] = [];
  const digests = digestsOf(content);
  await noteLooseBlobs(database.queries, digests, now);
  await atOnce(ADOPTIONS, digests, async (digest) => {
    const file = join(folder, digest);
    if (!(await isThere(file))) return void unstaged.push(digest);
    await blobs.adopt(file, digest);
    adopted.push(digest);
  });
  // They were stored before, or a run of this commit that was interrupted took them over.
  await requireStored(blobs, unstaged);
  return adopted;
}

/** What the files of an import are named by in the store, each once. */
export function digestsOf(content: ImportContent): readonly BlobDigest[] {
  return [...new Set(filesOf(content).map((file) => parseBlobDigest(file.digest)))];
}

/** @throws ImportError `file-changed` for one that is not stored */
export async function requireStored(blobs: BlobStore, digests: readonly BlobDigest[]): Promise<void> {
  const present = await blobs.findAll(digests);
  const gone = digests.find((digest) => !present.has(digest));
  if (gone !== undefined)
    throw new ImportError(
      'file-changed',
      `cannot import: the file with SHA3-384 ${gone} was removed from the store meanwhile; push the file again`,
    );
}

/** Removes blobs that no row speaks of; returns how many. */
export async function dropUnused(
  database: Pick<Database, 'kind' | 'location' | 'queries' | 'transaction'>,
  blobs: BlobStore,
  digests: readonly string[],
): Promise<number> {
  if (digests.length === 0) return 0;
  const candidates = new Set(digests.map(parseBlobDigest));
  return withLock(database, FILES_LOCK, async () => {
    const named = await referencedBlobs(database.queries, candidates);
    const unused = [...candidates].filter((digest) => !named.has(digest));
    for (const digest of unused) await blobs.remove(digest);
    return unused.length;
  });
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
