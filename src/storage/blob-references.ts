import { parseBlobDigest, type BlobDigest, type BlobStore, type StoredBlob } from './blob-store.ts';
import type { Queries } from './database.ts';

/** How many digests one query may name. */
const BATCH = 500;

const CATALOGUE = ['SnapRevision', 'Delta', 'SnapResource', 'Upload'] as const;

/**
 * Those of some blobs that a row of the database names, be it only to bring them back; the others are nobody's. A delta of size
 * 0 says that none pays, and names no file.
 */
export function referencedBlobs(
  queries: Queries,
  digests: Iterable<BlobDigest>,
): Promise<ReadonlySet<BlobDigest>> {
  return namedIn([...CATALOGUE, 'UndoBlob'], queries, digests);
}

/** Those of some blobs that something here speaks of, other than what is kept for roll-backs alone. */
export function cataloguedBlobs(
  queries: Queries,
  digests: Iterable<BlobDigest>,
): Promise<ReadonlySet<BlobDigest>> {
  return namedIn(CATALOGUE, queries, digests);
}

async function namedIn(
  tables: readonly ((typeof CATALOGUE)[number] | 'UndoBlob')[],
  queries: Queries,
  digests: Iterable<BlobDigest>,
): Promise<ReadonlySet<BlobDigest>> {
  const named = new Set<BlobDigest>();
  const all = [...new Set(digests)];
  for (let from = 0; from < all.length; from += BATCH) {
    const batch = all.slice(from, from + BATCH);
    for (const table of tables) {
      const rows = await queries
        .selectFrom(table)
        .select('sha3_384')
        .where('sha3_384', 'in', batch)
        .execute();
      for (const { sha3_384 } of rows) if (sha3_384 !== null) named.add(parseBlobDigest(sha3_384));
    }
  }
  return named;
}

/**
 * Those of some blobs that are there for good: stored, and named by a row. A stored blob that nobody names is not counted,
 * because a sweep may take it away before a row speaks of it.
 */
export async function keptBlobs(
  queries: Queries,
  blobs: BlobStore,
  digests: Iterable<string>,
): Promise<ReadonlyMap<string, StoredBlob>> {
  const named = await referencedBlobs(queries, Array.from(digests, parseBlobDigest));
  return blobs.findAll(named);
}
