/** Backups of a whole appliance: one sealed file, verified to the last byte, restored all or nothing. */
export type { BackupContents } from './contents.ts';
export { sealDataKey, sealedKey, type Opener, type Recipient } from './data-key.ts';
export { BackupError } from './errors.ts';
export { restoreBackup } from './restore.ts';
export type { BackupSources } from './sources.ts';
export { verifyBackup } from './verify.ts';
export { partOf, publishBackup, requireNothingAt, writeBackup, type BackupOrder } from './write-backup.ts';
