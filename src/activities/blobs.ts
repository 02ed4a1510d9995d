import {
  claimLooseBlob,
  forgetLooseBlob,
  looseBlobs,
  parseBlobDigest,
  referencedBlobs,
  type BlobPlaces,
  type Database,
  type StoredBlob,
} from '../storage/index.ts';
import type { MovedBlobs } from '../workflows/blob-contract.ts';
import { atOnce } from '../at-once.ts';
import { withHeartbeats } from './heartbeats.ts';

/** What work on blobs needs from the host. */
export interface BlobDeps {
  readonly database: Pick<Database, 'queries'>;
  readonly blobs: BlobPlaces;
  readonly clock: () => Date;
}

/** An import or upload that takes longer than this from its first blob to its rows does not exist. */
const KEEP_MS = 24 * 3600_000;
const SWEEP_BATCH = 500;
const MOVES = 4;

/** The activities that tidy where blobs lie; each may be repeated at any time. */
export function createBlobActivities({ database: { queries }, blobs, clock }: BlobDeps) {
  return {
    /** Removes blobs that no row came to name, and what is left of those that never became whole; gives how many. */
    sweepBlobs(): Promise<number> {
      return withHeartbeats(async (signal) => {
        const at = clock();
        const before = new Date(at.getTime() - KEEP_MS);
        let removed = await blobs.discardUnfinished(before);
        for (;;) {
          signal.throwIfAborted();
          const noted = (await looseBlobs(queries, before, SWEEP_BATCH)).map(parseBlobDigest);
          if (noted.length === 0) return removed;
          const named = await referencedBlobs(queries, noted);
          for (const digest of noted) {
            // A crash between these steps leaves the note, and the next sweep repeats them.
            if (!(await claimLooseBlob(queries, digest, before, at))) continue;
            if (!named.has(digest)) {
              await blobs.remove(digest);
              removed += 1;
            }
            await forgetLooseBlob(queries, digest, at);
          }
        }
      });
    },

    /** Moves every blob that lies where new ones no longer go; a repeat moves the rest. Heartbeats tell what was moved so far. */
    moveBlobs(): Promise<MovedBlobs> {
      const moved = { snaps: 0, bytes: 0 };
      return withHeartbeats(async (signal, report) => {
        const move = async (blob: StoredBlob) => {
          signal.throwIfAborted();
          await blobs.bringHome(blob);
          moved.snaps += 1;
          moved.bytes += blob.size;
          report({ ...moved });
        };
        let batch: StoredBlob[] = [];
        for await (const blob of blobs.strays()) {
          batch.push(blob);
          if (batch.length < 4 * MOVES) continue;
          await atOnce(MOVES, batch, move);
          batch = [];
        }
        await atOnce(MOVES, batch, move);
        return { files: moved.snaps, bytes: moved.bytes, backend: await blobs.backend() };
      });
    },
  };
}

/** The type that workflows see. */
export type BlobActivities = ReturnType<typeof createBlobActivities>;
