import { parseBlobDigest, type BlobDigest } from './blob-store.ts';
import type { Queries } from './database.ts';

const BATCH = 100;

/** A blob that a roll-back would bring back. */
export interface KeptForUndo {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  /** What people call it. */
  readonly subject: string;
}

/** Keeps blobs for as long as the record of that id can be undone. Call it in the transaction that takes their rows away. */
export async function keepUndoBlobs(
  queries: Queries,
  importId: number,
  kept: readonly KeptForUndo[],
): Promise<void> {
  const rows = [...new Map(kept.map((blob) => [blob.digest, blob])).values()].map(
    ({ digest, size, subject }) => ({ importId, sha3_384: digest, size, subject: subject.slice(0, 160) }),
  );
  for (let from = 0; from < rows.length; from += BATCH)
    await queries
      .insertInto('UndoBlob')
      .values(rows.slice(from, from + BATCH))
      .execute();
}

/** What is kept for the records up to that id. */
export async function undoBlobs(queries: Queries, upToId: number): Promise<readonly KeptForUndo[]> {
  const rows = await queries
    .selectFrom('UndoBlob')
    .select(['sha3_384', 'size', 'subject'])
    .where('importId', '<=', upToId)
    .orderBy('id')
    .execute();
  return rows.map(({ sha3_384, size, subject }) => ({ digest: sha3_384, size, subject }));
}

/** The newest record that blobs are kept for; undefined when there is none. */
export async function newestUndoBlobs(queries: Queries): Promise<number | undefined> {
  const row = await queries
    .selectFrom('UndoBlob')
    .select('importId')
    .orderBy('importId', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.importId;
}

/** Lets go what was kept for some records; gives the digests, which may be nobody's then. */
export async function releaseUndoBlobs(
  queries: Queries,
  range: { readonly fromId: number; readonly toId: number },
): Promise<readonly BlobDigest[]> {
  const rows = await queries
    .deleteFrom('UndoBlob')
    .where('importId', '>=', range.fromId)
    .where('importId', '<=', range.toId)
    .returning('sha3_384')
    .execute();
  return rows.map(({ sha3_384 }) => parseBlobDigest(sha3_384));
}
