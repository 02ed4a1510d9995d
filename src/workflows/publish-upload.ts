import { proxyActivities } from '@temporalio/workflow';

import type { AuthoritySigningActivities } from '../activities/authority-signing.ts';
import type { ReleaseActivities } from '../activities/releases.ts';
import type { UploadActivities } from '../activities/uploads.ts';
import type { UploadOutcome } from './authority-contract.ts';
import { commit, largeFiles, QUEUES, signing } from './options.ts';

const { admitUpload } = proxyActivities<UploadActivities>(largeFiles);
const { closeUpload } = proxyActivities<UploadActivities>({ taskQueue: QUEUES.transfer, ...commit });
const { issueAssertion } = proxyActivities<AuthoritySigningActivities>({ taskQueue: QUEUES.hsm, ...signing });
const { releaseRevision } = proxyActivities<ReleaseActivities>({ taskQueue: QUEUES.airlock, ...commit });

/**
 * Brings an uploaded file to where devices see it: scan, revision number, snap-build policy, declaration and revision
 * signed, then released. Nothing is visible before the snap-revision is signed; a held upload is run again when a
 * snap-build or a reviewer frees it.
 */
export async function publishUpload({ uploadId }: { readonly uploadId: string }): Promise<UploadOutcome> {
  const { outcome, channels, actor } = await admitUpload({ uploadId });
  const { snapId, revision } = outcome;
  if (outcome.state !== 'approved' || snapId === null || revision === null) {
    await closeUpload({ uploadId, outcome });
    return outcome;
  }
  const requests = [
    { kind: 'snap-declaration', snapId },
    { kind: 'snap-revision', snapId, revision },
  ] as const;
  for (const request of requests) await issueAssertion({ request, actor, at: new Date().toISOString() });
  if (channels.length > 0) {
    await releaseRevision({ snapId, revision, channels, actor, at: new Date().toISOString() });
  }
  await closeUpload({ uploadId, outcome });
  return outcome;
}
