import { join } from 'node:path';

import { AirlockError } from '../../errors.ts';
import type { BlobStore } from '../blob-store.ts';
import type { Queries } from '../database.ts';

/** Where the bytes of an upload lie until they are scanned. */
export function uploadFile(blobs: Pick<BlobStore, 'stagingFolder'>, uploadId: string): string {
  return join(blobs.stagingFolder, `upload-${uploadId}`);
}

/** Notes that a file came in and lies in {@link uploadFile}. Nobody owns it yet. */
export async function addUpload(
  queries: Queries,
  upload: { readonly id: string; readonly size: number; readonly fileName: string },
  at: Date,
): Promise<void> {
  const now = at.toISOString();
  await queries
    .insertInto('Upload')
    .values({ ...upload, channels: [], errors: [], state: 'received', createdAt: now, changedAt: now })
    .execute();
}

/**
 * Claims an upload for a snap. Claiming it again for the same snap and account is no error: the answer may have been
 * lost.
 *
 * @throws AirlockError `upload-unknown` also when somebody else claimed it
 */
export async function claimUpload(
  queries: Queries,
  claim: {
    readonly id: string;
    readonly snapId: string;
    readonly snapName: string;
    readonly accountId: string;
    readonly channels: readonly string[];
  },
  at: Date,
): Promise<void> {
  const { id, snapId, snapName, accountId } = claim;
  await queries
    .updateTable('Upload')
    .set({
      snapId,
      snapName,
      accountId,
      channels: [...claim.channels],
      state: 'processing',
      changedAt: at.toISOString(),
    })
    .where('id', '=', id)
    .where('state', '=', 'received')
    .execute();
  const row = await findUpload(queries, id);
  if (row.snapId !== snapId || row.accountId !== accountId) throw unknown(id);
}

/**
 * One upload.
 *
 * @throws AirlockError `upload-unknown`
 */
export async function findUpload(queries: Queries, id: string) {
  const row = await queries.selectFrom('Upload').selectAll().where('id', '=', id).executeTakeFirst();
  if (row) return row;
  throw unknown(id);
}

/** Uploads of a snap's file that wait for a snap-build. */
export async function heldUploads(queries: Queries, snapId: string, sha3_384: string) {
  return queries
    .selectFrom('Upload')
    .select('id')
    .where('snapId', '=', snapId)
    .where('sha3_384', '=', sha3_384)
    .where('state', '=', 'held')
    .execute();
}

/** How many files wait to be claimed, and their bytes together. */
export async function unclaimedUploads(queries: Queries): Promise<{ files: number; bytes: number }> {
  const row = await queries
    .selectFrom('Upload')
    .select((eb) => [eb.fn.countAll().as('files'), eb.fn.sum('size').as('bytes')])
    .where('state', '=', 'received')
    .executeTakeFirst();
  return { files: Number(row?.files ?? 0), bytes: Number(row?.bytes ?? 0) };
}

function unknown(id: string): AirlockError {
  return new AirlockError(
    'not-found',
    'upload-unknown',
    `cannot find the upload "${id.slice(0, 64)}": send the file again`,
  );
}
