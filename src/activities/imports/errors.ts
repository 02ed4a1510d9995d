import { AirlockError, type ErrorKind } from '../../errors.ts';

/** Why an import is refused, beside what is wrong with the archive itself (BundleError) or a signature (AssertionError). */
export type ImportErrorCode =
  | 'exporter-foreign'
  | 'bundle-stale'
  | 'file-changed'
  | 'file-of-other-push'
  | 'snap-assertions-wrong'
  | 'snap-file-wrong'
  | 'snaps-not-pushed'
  | 'store-of-other-brand'
  | 'store-parent-unsigned'
  | 'snap-of-other-store'
  | 'revision-conflict'
  | 'files-left-out'
  | 'store-unknown'
  | 'admin-unknown'
  | 'nothing-to-roll-back'
  | 'roll-back-blocked'
  | 'import-unknown'
  | 'snap-unknown'
  | 'no-account-keys';

const KINDS: Readonly<Record<ImportErrorCode, ErrorKind>> = {
  'exporter-foreign': 'forbidden',
  'bundle-stale': 'conflict',
  'file-changed': 'conflict',
  'file-of-other-push': 'invalid',
  'snap-assertions-wrong': 'invalid',
  'snap-file-wrong': 'invalid',
  'snaps-not-pushed': 'conflict',
  'store-of-other-brand': 'forbidden',
  'store-parent-unsigned': 'invalid',
  'snap-of-other-store': 'forbidden',
  'revision-conflict': 'conflict',
  'files-left-out': 'conflict',
  'store-unknown': 'not-found',
  'admin-unknown': 'invalid',
  'nothing-to-roll-back': 'conflict',
  'roll-back-blocked': 'conflict',
  'import-unknown': 'not-found',
  'snap-unknown': 'not-found',
  'no-account-keys': 'invalid',
};

/** An import that cannot be done; nothing of it is visible, and nothing is left of it. */
export class ImportError extends AirlockError<ImportErrorCode> {
  constructor(code: ImportErrorCode, sentence: string, cause?: unknown) {
    super(KINDS[code], code, sentence, cause === undefined ? {} : { cause });
  }
}

/** Why an import or removal cannot be undone: a later act of another sort rests on it, or changed what it had changed. */
export function blocked(subject: string, why: string): ImportError {
  return new ImportError(
    'roll-back-blocked',
    `cannot roll back ${subject}: ${why}; undo that first, or push an archive of the state that you want`,
  );
}
