import { rm } from 'node:fs/promises';
import { removeAccountFoldersBefore } from './exports/folder.ts';
import { uploadFile } from '../storage/authority/index.ts';
import {
  forgetUpload,
  purgeSpentNonces,
  unclaimedUploads,
  type BlobStore,
  type Database,
} from '../storage/index.ts';

/** What the sweeps need from the host. */
export interface SweepDeps {
  readonly database: Pick<Database, 'queries'>;
  readonly blobs: Pick<BlobStore, 'stagingFolder'>;
  readonly exportFolder: string;
  readonly clock: () => Date;
}

/** Used nonces are kept for an hour after their time, for clocks that were set back. */
const KEEP_NONCES_MS = 3600_000;
/** A publisher claims an upload within minutes; whatever nobody claimed in a day is thrown away. */
const KEEP_UPLOADS_MS = 24 * 3600_000;
/**
 * An account's export is kept for a day after its last file was written, by its process. What lies longer has none any more: somebody
 * terminated it, which leaves it no time to clean up.
 */
const KEEP_EXPORTS_MS = 48 * 3600_000;

/** Throws away what no longer serves anybody; each may be repeated at any time. */
export function createSweepActivities({ database: { queries }, blobs, exportFolder, clock }: SweepDeps) {
  const ago = (milliseconds: number) => new Date(clock().getTime() - milliseconds);
  return {
    /** Gives how many used nonces were forgotten. */
    sweepNonces: (): Promise<number> => purgeSpentNonces(queries, ago(KEEP_NONCES_MS)),

    /** Removes uploads that nobody claimed, with their files; gives how many. */
    async sweepUnclaimedUploads(): Promise<number> {
      let removed = 0;
      for (const id of await unclaimedUploads(queries, ago(KEEP_UPLOADS_MS))) {
        if (!(await forgetUpload(queries, id))) continue;
        await rm(uploadFile(blobs, id), { force: true });
        removed += 1;
      }
      return removed;
    },

    /** Removes the files of accounts' exports that no process holds any more; gives how many exports. */
    sweepAccountExports: (): Promise<number> =>
      removeAccountFoldersBefore(ago(KEEP_EXPORTS_MS), exportFolder),
  };
}

/** The type that workflows see. */
export type SweepActivities = ReturnType<typeof createSweepActivities>;
