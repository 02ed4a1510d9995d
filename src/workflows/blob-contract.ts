/** What a move of blobs did. */
export interface MovedBlobs {
  /** Files that were moved by the run that ended it. */
  readonly files: number;
  readonly bytes: number;
  /** Where all of them lie now. */
  readonly backend: 'local' | 's3';
}
