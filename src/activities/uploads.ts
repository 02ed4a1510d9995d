import { rm } from 'node:fs/promises';

import { AirlockError, isAirlockError, type ErrorKind } from '../errors.ts';
import { checkRelease, judgeBuilds } from '../publishers/index.ts';
import { parseChannel } from '../snaps/index.ts';
import {
  admitRevision,
  buildPolicyOf,
  knownBuilds,
  uploadFile,
  type UploadedRevision,
} from '../storage/authority/index.ts';
import {
  digestOfFile,
  parseBlobDigest,
  withLock,
  type BlobStore,
  type Database,
  type Queries,
} from '../storage/index.ts';
import type { UploadOutcome } from '../workflows/authority-contract.ts';
import { withHeartbeats } from './heartbeats.ts';
import { FILES_LOCK } from './imports/locks.ts';
import { readSnapMetadata } from './snap-file.ts';

/** What the upload activities are given. */
export interface UploadDeps {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly now: () => Date;
}

/** What a scan found. Unless it was rejected, the file is in the blob store from then on. */
export interface AdmittedUpload {
  readonly outcome: UploadOutcome;
  readonly channels: readonly string[];
  readonly actor: string;
}

/** The activities of an upload that read and move its file. */
export function createUploadActivities(deps: UploadDeps) {
  return {
    /**
     * Hashes the file, reads its snap.yaml, decides on its revision number and keeps it. A wrong file is an outcome and
     * no error: nobody could mend it by trying again. A repeat finds the same revision.
     */
    async admitUpload(input: { readonly uploadId: string }): Promise<AdmittedUpload> {
      return withHeartbeats((signal) => admitUpload(deps, input.uploadId, signal));
    },

    /** Writes down how the upload ended, where its publisher polls for it. */
    async closeUpload(input: { readonly uploadId: string; readonly outcome: UploadOutcome }): Promise<void> {
      const { state, revision } = input.outcome;
      const errors = input.outcome.errors.map(({ code, message }) => ({ code, message }));
      await deps.database.queries
        .updateTable('Upload')
        .set({ state, revision, errors, changedAt: deps.now().toISOString() })
        .where('id', '=', input.uploadId)
        .execute();
    },
  };
}

/** The type that workflows see. */
export type UploadActivities = ReturnType<typeof createUploadActivities>;

/** What is wrong with a file, and not with us. */
const REFUSALS: ReadonlySet<ErrorKind> = new Set(['invalid', 'forbidden', 'too-large']);

type ClaimedUpload = Awaited<ReturnType<typeof claimedUpload>>;

async function admitUpload(deps: UploadDeps, uploadId: string, signal: AbortSignal): Promise<AdmittedUpload> {
  const upload = await claimedUpload(deps.database.queries, uploadId);
  const { channels, accountId: actor, snapId } = upload;
  try {
    const revision = await takeIn(deps, upload, signal);
    const outcome: UploadOutcome = await judge(deps.database.queries, upload, revision);
    return { outcome, channels, actor };
  } catch (error) {
    if (!isAirlockError(error) || !REFUSALS.has(error.kind)) throw error;
    await rm(uploadFile(deps.blobs, uploadId), { force: true });
    const errors = [{ code: error.code, message: error.message }];
    return { outcome: { state: 'rejected', snapId, revision: null, errors }, channels, actor };
  }
}

/** Rows first, then the file: until a snap-revision is signed neither can be seen, and a repeat mends what is missing. */
async function takeIn(
  { database, blobs, now }: UploadDeps,
  upload: ClaimedUpload,
  signal: AbortSignal,
): Promise<UploadedRevision> {
  const kept = upload.sha3_384 === null ? undefined : await blobs.find(parseBlobDigest(upload.sha3_384));
  const path = uploadFile(blobs, upload.id);
  const { digest, size } = kept ?? (await digestOfFile(path, signal));
  const read = (file: string) => readSnapMetadata(file, signal);
  const metadata = kept ? await blobs.withFile(kept, read) : await read(path);
  for (const channel of upload.channels) checkRelease(metadata.yaml, parseChannel(channel));
  // A roll-back that just looked for rows of this very file takes it away before they come, and never the one adopted after.
  const revision = await withLock(database, FILES_LOCK, () =>
    database.transaction(async (queries) => {
      await queries
        .updateTable('Upload')
        .set({ sha3_384: digest, size })
        .where('id', '=', upload.id)
        .execute();
      return admitRevision(queries, { snapId: upload.snapId, sha3_384: digest, size, metadata, at: now() });
    }),
  );
  if (!kept) await blobs.adopt(path, digest);
  return revision;
}

async function judge(
  queries: Queries,
  upload: ClaimedUpload,
  file: UploadedRevision,
): Promise<UploadOutcome> {
  const { snapId } = upload;
  const policy = await buildPolicyOf(queries, snapId);
  const builds = await knownBuilds(queries, snapId, file.sha3_384);
  const verdict = judgeBuilds(policy, { snapId, ...file }, builds, [file.publisherId]);
  const { revision } = file;
  if (verdict.kind === 'satisfied') return { state: 'approved', snapId, revision, errors: [] };
  const errors = [{ code: 'snap-build-required', message: verdict.reason }];
  return { state: verdict.kind, snapId, revision, errors };
}

/** The upload's row, once somebody who may publish the snap has claimed it. */
async function claimedUpload(queries: Queries, uploadId: string) {
  const row = await queries
    .selectFrom('Upload')
    .select(['id', 'sha3_384', 'snapId', 'accountId', 'channels'])
    .where('id', '=', uploadId)
    .executeTakeFirst();
  if (!row || row.snapId === null || row.accountId === null) {
    throw new AirlockError(
      'not-found',
      'upload-unknown',
      `cannot process the upload ${uploadId}: nobody claimed it`,
    );
  }
  return { ...row, snapId: row.snapId, accountId: row.accountId };
}
