import { AirlockError, type ErrorKind } from '../errors.ts';

/** What can be wrong with a backup. */
export type BackupErrorCode =
  /** Not a backup, or of a version that we do not know. */
  | 'backup-form-unknown'
  /** Cut off, changed, or with parts that it does not list. */
  | 'backup-damaged'
  /** The passphrase or private key does not open it. */
  | 'backup-key-wrong'
  | 'backup-key-unusable'
  /** The database inside is damaged, or its secrets cannot be opened with the master key inside. */
  | 'backup-database-unsound'
  /** Snaps that it only names are not where they were looked for. */
  | 'backup-blob-missing'
  /** A stored snap is not what its name says, or went away meanwhile. */
  | 'backup-source-changed'
  | 'backup-file-exists'
  | 'backup-file-unusable'
  /** A backup is under way: wait for its end. */
  | 'backup-running'
  /** The process was started on another machine, or before a restore: its key is not here. */
  | 'backup-key-gone'
  | 'restore-folder-unusable'
  /** The PostgreSQL database that is restored to has rows. */
  | 'restore-database-not-empty';

const KINDS: Readonly<Partial<Record<BackupErrorCode, ErrorKind>>> = {
  'backup-source-changed': 'unavailable',
  'backup-file-exists': 'conflict',
  'backup-running': 'conflict',
  'restore-folder-unusable': 'conflict',
  'restore-database-not-empty': 'conflict',
};

/** A backup that cannot be made, read or restored; the sentence names the file or part at fault. */
export class BackupError extends AirlockError<BackupErrorCode> {
  constructor(code: BackupErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super(KINDS[code] ?? 'invalid', code, sentence, options);
  }
}
