/** What goes between the API, the workflow and the activities of a backup. Nothing in it is secret. */

/** A backup that is wanted. */
export interface BackupInput {
  readonly backupId: string;
  /** Absolute. */
  readonly path: string;
  readonly blobs: 'content' | 'reference';
  /** The sealed data key, as the file's header tells it (JSON). */
  readonly key: string;
  /** The setting that holds the data key, sealed, while the backup is being made. */
  readonly keySetting: string;
  readonly actor: string;
}

/** A backup that was made and verified. */
export interface BackupOutcome {
  readonly backupId: string;
  readonly path: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly blobs: 'content' | 'reference';
  readonly snaps: number;
}
