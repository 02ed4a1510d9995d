import { CancellationScope, patched, proxyActivities } from '@temporalio/workflow';
import type { ExportActivities } from '../activities/exports.ts';
import type { ExportOutcome, SnapsExport, StoreExport } from './export-contract.ts';
import { commit, largeFiles } from './options.ts';

const { issueExportToken, withdrawExportToken } = proxyActivities<ExportActivities>(commit);
const { writeStoreExport, writeSnapExports } = proxyActivities<ExportActivities>({
  ...largeFiles,
  startToCloseTimeout: '24h',
});

/**
 * Exports a store: the admin token first, as the archive's manifest holds its digest, then one archive. Without the archive the
 * token is good for nothing: it goes again.
 */
export async function exportStore(input: StoreExport): Promise<ExportOutcome> {
  const at = new Date().toISOString();
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
  return writeSnapExports(input, new Date().toISOString());
}
