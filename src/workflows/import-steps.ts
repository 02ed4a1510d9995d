import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  ParentClosePolicy,
  executeChild,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ImportActivities } from '../activities/imports.ts';
import type { ImportInput, ImportOutcome, ImportSlice } from './import-contract.ts';
import { commit, largeFiles } from './options.ts';
import { progressQuery } from './progress.ts';
import type { Progress } from './progress-contract.ts';

/** Revisions that one child verifies: enough to share the look-ups, few enough that a retry costs little. */
const SLICE = 25;
/** Children at a time: they share two cores with everything else. */
const AT_ONCE = 2;

const { beginImport, abandonImport, closeImport } = proxyActivities<ImportActivities>(commit);
const { unpackImport } = proxyActivities<ImportActivities>({
  ...largeFiles,
  startToCloseTimeout: '24h',
  heartbeatTimeout: '10s',
});
const { verifyImport, commitImport } = proxyActivities<ImportActivities>({
  ...largeFiles,
  startToCloseTimeout: '1h',
  heartbeatTimeout: '10s',
});

/** Verifies one slice; what a child of an import does. */
export function verifySliceOf(input: ImportInput, slice: ImportSlice): Promise<void> {
  return verifyImport(input, slice);
}

/**
 * Every push: refuse early, unpack and check every digest in one pass, verify everything in children, then one commit.
 * Whatever ends it before the commit leaves nothing but a log entry.
 */
export async function runImport(input: ImportInput, childType: string): Promise<ImportOutcome> {
  let progress: Progress = { step: 'reading', done: 0, total: 1, unit: 'steps' };
  setHandler(progressQuery, () => progress);
  try {
    const start = await beginImport(input);
    if (start.done !== null) return start.done;
    progress = { step: 'unpacking', done: 0, total: start.bytes, unit: 'bytes' };
    const { revisions } = await unpackImport(input);
    progress = { step: 'verifying', done: 0, total: revisions, unit: 'snaps' };
    await verifyAll(input, revisions, childType, (done) => {
      progress = { step: 'verifying', done, total: revisions, unit: 'snaps' };
    });
    progress = { step: 'committing', done: 0, total: 1, unit: 'steps' };
    const outcome = await commitImport(input);
    await closeImport(input);
    progress = { step: 'done', done: 1, total: 1, unit: 'steps' };
    return outcome;
  } catch (error) {
    await CancellationScope.nonCancellable(() => abandonImport(input, reasonOf(error)));
    throw error;
  }
}

/** A sliding window of children; with no revisions one slice still verifies the assertions. */
async function verifyAll(
  input: ImportInput,
  revisions: number,
  childType: string,
  onDone: (revisions: number) => void,
): Promise<void> {
  const slices: ImportSlice[] = [];
  for (let from = 0; from < Math.max(revisions, 1); from += SLICE) slices.push({ from, to: from + SLICE });
  let next = 0;
  let done = 0;
  const lane = async () => {
    for (let slice = slices[next++]; slice !== undefined; slice = slices[next++]) {
      await executeChild(childType, {
        workflowId: `${workflowInfo().workflowId}/snaps-${slice.from}`,
        args: [input, slice],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      });
      done += slice.to - slice.from;
      onDone(Math.min(done, revisions));
    }
  };
  await CancellationScope.cancellable(() => Promise.all(Array.from({ length: AT_ONCE }, lane)));
}

/** What to write into the log about a failure. */
function reasonOf(error: unknown): { code: string; message: string } {
  let cause: unknown = error;
  while (
    (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) &&
    cause.cause !== undefined
  )
    cause = cause.cause;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'unknown', message: cause.message };
  return { code: 'interrupted', message: cause instanceof Error ? cause.message : String(cause) };
}
