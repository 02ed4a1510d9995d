import { AirlockError, type ErrorKind } from '../../errors.ts';

/** Why something cannot be exported. */
export type ExportErrorCode =
  | 'store-unknown'
  | 'snap-unknown'
  | 'revision-unknown'
  | 'key-unknown'
  | 'admin-unknown'
  | 'nothing-to-export'
  | 'channel-wanted-twice'
  | 'assertion-missing'
  | 'blob-missing'
  | 'basis-changed'
  | 'export-folder-unusable';

const KINDS: Readonly<Record<ExportErrorCode, ErrorKind>> = {
  'store-unknown': 'not-found',
  'snap-unknown': 'not-found',
  'revision-unknown': 'not-found',
  'key-unknown': 'not-found',
  'admin-unknown': 'not-found',
  'nothing-to-export': 'conflict',
  'channel-wanted-twice': 'invalid',
  'assertion-missing': 'conflict',
  'blob-missing': 'conflict',
  'basis-changed': 'conflict',
  'export-folder-unusable': 'invalid',
};

/** An export that cannot be made; no file of it has its final name. */
export class ExportError extends AirlockError<ExportErrorCode> {
  constructor(code: ExportErrorCode, sentence: string, cause?: unknown) {
    super(KINDS[code], code, sentence, cause === undefined ? {} : { cause });
  }
}
