import { createHash } from 'node:crypto';

import { WorkflowNotFoundError, type Client } from '@temporalio/client';

import { errorOfFailure } from '../../activities/errors.ts';
import type { initAuthority, issueAssertions } from '../../workflows/authority.ts';
import type { UploadOutcome } from '../../workflows/authority-contract.ts';
import { INIT_AUTHORITY_ID, issueId, publishUploadId, scopeId } from '../../workflows/authority-contract.ts';
import { QUEUES } from '../../workflows/options.ts';
import { about } from '../../workflows/search-attributes.ts';
import type { publishUpload } from '../../workflows/publish-upload.ts';
import type { scopeStore } from '../../workflows/scope-store.ts';
import type { AuthorityProcesses } from './deps.ts';

/** Asked for again, a finished process runs again: each step finds what is done. */
const JOIN = { workflowIdConflictPolicy: 'USE_EXISTING', workflowIdReusePolicy: 'ALLOW_DUPLICATE' } as const;

/** The authority's processes on Temporal. Failures come back as the error that was thrown in the step. */
export function authorityProcesses(client: Client): AuthorityProcesses {
  const { workflow } = client;
  return {
    async init(input) {
      const { issued } = await answer(
        workflow.execute<typeof initAuthority>('initAuthority', {
          workflowId: INIT_AUTHORITY_ID,
          taskQueue: QUEUES.airlock,
          args: [input],
          ...JOIN,
        }),
      );
      return issued;
    },
    issue(input) {
      const workflowId = issueId(digestOf(input.requests));
      return answer(
        workflow.execute<typeof issueAssertions>('issueAssertions', {
          workflowId,
          taskQueue: QUEUES.airlock,
          args: [input],
          ...JOIN,
        }),
      );
    },
    scope(input) {
      const workflowId = `${scopeId(input.stores.join('+'))}/${digestOf(input)}`;
      return answer(
        workflow.execute<typeof scopeStore>('scopeStore', {
          workflowId,
          taskQueue: QUEUES.airlock,
          typedSearchAttributes: about({ store: input.stores[0] }),
          args: [input],
          ...JOIN,
        }),
      );
    },
    async startPublishing(uploadId) {
      await answer(
        workflow.start<typeof publishUpload>('publishUpload', {
          workflowId: publishUploadId(uploadId),
          taskQueue: QUEUES.airlock,
          args: [{ uploadId }],
          ...JOIN,
        }),
      );
    },
    publication: (uploadId, waitMs) => publication(client, uploadId, waitMs),
  };
}

async function publication(
  client: Client,
  uploadId: string,
  waitMs: number,
): Promise<UploadOutcome | undefined> {
  const handle = client.workflow.getHandle<typeof publishUpload>(publishUploadId(uploadId));
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), waitMs);
  try {
    return await Promise.race([handle.result(), over]);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw errorOfFailure(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Requests that ask for the same thing share one process; others run beside each other. */
function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

async function answer<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw errorOfFailure(error);
  }
}
