import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { ExportActivities } from '../activities/exports.ts';
import { EXPORTED, EXPORT_FETCHED, type AccountExport, type ExportOutcome } from './export-contract.ts';
import { commit, largeFiles } from './options.ts';
import { progressQuery } from './progress.ts';

const { issueExportToken, withdrawExportToken, removeAccountExport } =
  proxyActivities<ExportActivities>(commit);
/** Who ends an export that is being written waits until nothing is written any more: its folder goes. */
const { writeStoreExport, writeSnapExports } = proxyActivities<ExportActivities>({
  ...largeFiles,
  startToCloseTimeout: '24h',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
});

const exported = defineQuery<ExportOutcome | null>(EXPORTED);
const fetched = defineSignal(EXPORT_FETCHED);

/**
 * Exports for an account, keeps the files until they were fetched or their time is over, and removes them. An admin token of an
 * export that nobody fetched is withdrawn.
 *
 * @returns whether it was fetched
 */
export async function exportForAccount({ wish, keepMs }: AccountExport): Promise<boolean> {
  const writing = new CancellationScope();
  let outcome: ExportOutcome | null = null;
  let isFetched = false;
  let isUnwanted = false;
  setHandler(progressQuery, () => ({ step: 'writing', done: 0, total: 0, unit: 'bytes' }));
  setHandler(exported, () => outcome);
  setHandler(fetched, () => {
    isFetched = outcome !== null;
    isUnwanted = outcome === null;
    if (isUnwanted) writing.cancel();
  });
  try {
    if (wish.kind === 'snaps') {
      outcome = await writing.run(() => writeSnapExports(wish, wish.at));
      await condition(() => isFetched, keepMs);
      return isFetched;
    }
    const token = await issueExportToken(wish, wish.at);
    try {
      outcome = await writing.run(() => writeStoreExport(wish, wish.at, token));
      await condition(() => isFetched, keepMs);
      return isFetched;
    } finally {
      if (!isFetched) await CancellationScope.nonCancellable(() => withdrawExportToken(token, wish.actor));
    }
  } catch (error) {
    if (isUnwanted && isCancellation(error)) return false;
    throw error;
  } finally {
    await CancellationScope.nonCancellable(() => removeAccountExport(wish.exportDir));
  }
}
