import { CancellationScope, proxyActivities, setHandler } from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backups.ts';
import type { BackupInput, BackupOutcome } from './backup-contract.ts';
import { commit, largeFiles } from './options.ts';
import { progressQuery } from './progress.ts';
import type { Progress } from './progress-contract.ts';

const { writeBackupFile, verifyBackupFile } = proxyActivities<BackupActivities>({
  ...largeFiles,
  startToCloseTimeout: '24h',
});
const { publishBackupFile, closeBackup } = proxyActivities<BackupActivities>(commit);

/**
 * Writes a backup while everything runs, reads it back and verifies it whole, and only then gives it its name. Whatever
 * happens, its key is forgotten at the end and nothing unfinished is left.
 */
export async function backup(input: BackupInput): Promise<BackupOutcome> {
  let progress: Progress = { step: 'copying', done: 0, total: 0, unit: 'bytes' };
  setHandler(progressQuery, () => progress);
  const at = new Date().toISOString();
  try {
    const { bytes } = await writeBackupFile(input, at);
    progress = { step: 'verifying', done: 0, total: bytes, unit: 'bytes' };
    const found = await verifyBackupFile(input);
    return await publishBackupFile(input, at, found);
  } finally {
    await CancellationScope.nonCancellable(() => closeBackup(input));
  }
}
