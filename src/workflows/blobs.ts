import { proxyActivities } from '@temporalio/workflow';

import type { BlobActivities } from '../activities/blobs.ts';
import type { MovedBlobs } from './blob-contract.ts';
import { largeFiles } from './options.ts';

const steps = proxyActivities<BlobActivities>({
  ...largeFiles,
  startToCloseTimeout: '24h',
  heartbeatTimeout: '1m',
});

/** Removes blobs that a crash left to nobody. Runs by a schedule. */
export function sweepBlobs(): Promise<number> {
  return steps.sweepBlobs();
}

/** Moves blobs to where new ones go since a setting was changed. */
export function moveBlobs(): Promise<MovedBlobs> {
  return steps.moveBlobs();
}
