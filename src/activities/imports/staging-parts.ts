import type { BlobStore, Queries } from '../../storage/index.ts';

/** What staging needs from the host. */
export interface StagingParts {
  readonly queries: Queries;
  readonly blobs: BlobStore;
  readonly now: Date;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}
