import type { BlobDigest } from './blob-store.ts';
import type { Queries } from './database.ts';

const BATCH = 500;

/**
 * Notes blobs that may soon be nobody's: before they come in, because a crash may keep the rows that would name them from
 * being written, and in the transaction that takes such rows away. The sweep looks at each of them a day later.
 */
export async function noteLooseBlobs(
  queries: Queries,
  digests: readonly BlobDigest[],
  at: Date,
): Promise<void> {
  const notedAt = at.toISOString();
  for (let from = 0; from < digests.length; from += BATCH)
    await queries
      .insertInto('LooseBlob')
      .values(digests.slice(from, from + BATCH).map((sha3_384) => ({ sha3_384, notedAt })))
      .onConflict((conflict) => conflict.column('sha3_384').doUpdateSet({ notedAt }))
      .execute();
}

/** Digests of blobs that were noted before `before`, at most so many, oldest first. */
export async function looseBlobs(queries: Queries, before: Date, limit: number): Promise<readonly string[]> {
  const rows = await queries
    .selectFrom('LooseBlob')
    .select('sha3_384')
    .where('notedAt', '<', before.toISOString())
    .orderBy('notedAt')
    .limit(limit)
    .execute();
  return rows.map(({ sha3_384 }) => sha3_384);
}

/**
 * Takes a blob that was noted before `before` in hand, by noting it at `at`; false when somebody noted it again meanwhile, and
 * so may be bringing it in.
 */
export async function claimLooseBlob(
  queries: Queries,
  digest: BlobDigest,
  before: Date,
  at: Date,
): Promise<boolean> {
  const result = await queries
    .updateTable('LooseBlob')
    .set({ notedAt: at.toISOString() })
    .where('sha3_384', '=', digest)
    .where('notedAt', '<', before.toISOString())
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}

/** Forgets a blob that was claimed at `at`, unless somebody noted it since. */
export async function forgetLooseBlob(queries: Queries, digest: BlobDigest, at: Date): Promise<void> {
  await queries
    .deleteFrom('LooseBlob')
    .where('sha3_384', '=', digest)
    .where('notedAt', '=', at.toISOString())
    .execute();
}
