/** How far a process is that takes long: an import, export, fetch or backup. */
export interface Progress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
  readonly unit: 'bytes' | 'snaps' | 'steps';
}

/** Name of the query that tells it. */
export const PROGRESS = 'progress';
