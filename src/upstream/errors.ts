import { AirlockError, type ErrorKind } from '../errors.ts';

/** What can go wrong with another store. */
export type UpstreamErrorCode =
  | 'upstream-unreachable'
  | 'upstream-answer-malformed'
  /** The other store refuses what was asked: the sentence has the status of its answer. */
  | 'upstream-refused'
  | 'login-file-malformed'
  | 'login-refused'
  | 'role-missing'
  | 'snap-not-upstream'
  | 'assertion-not-upstream'
  /** An account-key that was asked for is not of that account or brand. */
  | 'key-of-other-account'
  | 'download-corrupt'
  /** What the other store gives is not what it announced, and another try would bring the same: only a new fetch asks it anew. */
  | 'upstream-contradictory'
  | 'metadata-not-offered'
  | 'snaps-not-listed';

const KINDS: Readonly<Record<UpstreamErrorCode, ErrorKind>> = {
  'upstream-unreachable': 'unavailable',
  'upstream-answer-malformed': 'unavailable',
  'upstream-refused': 'invalid',
  'login-file-malformed': 'invalid',
  'login-refused': 'unauthenticated',
  'role-missing': 'forbidden',
  'snap-not-upstream': 'not-found',
  'assertion-not-upstream': 'not-found',
  'key-of-other-account': 'invalid',
  'download-corrupt': 'unavailable',
  'upstream-contradictory': 'conflict',
  'metadata-not-offered': 'not-found',
  'snaps-not-listed': 'not-found',
};

/** Another store does not answer, or not as it should. */
export class UpstreamError extends AirlockError<UpstreamErrorCode> {
  constructor(code: UpstreamErrorCode, sentence: string, cause?: unknown) {
    super(KINDS[code], code, sentence, cause === undefined ? {} : { cause });
  }
}
