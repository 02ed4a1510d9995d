import { CancellationScope, patched, proxyActivities, setHandler } from '@temporalio/workflow';
import type { ExportActivities } from '../activities/exports.ts';
import type { ExportOutcome, SnapsExport, StoreExport } from './export-contract.ts';
import { commit, largeFiles } from './options.ts';
import { progressQuery } from './progress.ts';
import type { Progress } from './progress-contract.ts';

const { issueExportToken, withdrawExportToken } = proxyActivities<ExportActivities>(commit);
const { writeStoreExport, writeSnapExports } = proxyActivities<ExportActivities>({
  ...largeFiles,
  startToCloseTimeout: '24h',
});

/** How much there is to write is known to the step that writes: its heartbeats say it. */
const WRITING: Progress = { step: 'writing', done: 0, total: 0, unit: 'bytes' };

/**
 * Exports a store: the admin token first, as the archive's manifest holds its digest, then one archive. Without the archive the
 * token is good for nothing: it goes again.
 */
export async function exportStore(input: StoreExport): Promise<ExportOutcome> {
  setHandler(progressQuery, () => WRITING);
  const at = input.at ?? new Date().toISOString();
  const token = await issueExportToken(input, at);
  try {
    return await writeStoreExport(input, at, token);
  } catch (error) {
    if (patched('withdraw-export-token'))
      await CancellationScope.nonCancellable(() => withdrawExportToken(token, input.actor));
    throw error;
  }
}

/** Exports snaps, each into an archive of its own. */
export function exportSnaps(input: SnapsExport): Promise<ExportOutcome> {
  setHandler(progressQuery, () => WRITING);
  return writeSnapExports(input, input.at ?? new Date().toISOString());
}
