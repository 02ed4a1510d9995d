import { AirlockError } from '../errors.ts';

/** Everything that the publishers' rules can refuse; stable, and shown to programs as `code`. */
export type PublisherErrorCode =
  /** A macaroon that is not V1 binary, or is beyond the limits. */
  | 'macaroon-malformed'
  /** A macaroon whose signature chain is not ours. */
  | 'macaroon-invalid'
  /** A caveat outside the grammar: an unknown condition is never taken for a fulfilled one. */
  | 'caveat-malformed'
  /** A credential that is not yet, or no longer, in force. */
  | 'token-expired'
  /** A discharge that its holder has to refresh where it came from. */
  | 'discharge-expired'
  /** A credential whose account or session was revoked. */
  | 'token-revoked'
  /** A credential without the permission that the act needs. */
  | 'macaroon-permission-required'
  /** An account without the store role that the act needs. */
  | 'role-required'
  /** A header, name or field that breaks its grammar. */
  | 'invalid-field'
  /** A snap name that somebody else holds. */
  | 'already_registered'
  /** A snap name that the asking account holds already. */
  | 'already_owned'
  /** A snap name that nobody may register. */
  | 'reserved_name'
  /** A key or key name that is in use. */
  | 'key-conflict'
  /** A request that is not allowed for this snap, store or account. */
  | 'resource-forbidden'
  /** A snap, revision, account or store that does not exist for whoever asks. */
  | 'resource-not-found'
  /** A revision that may not go to that channel. */
  | 'release-refused'
  /** An upload that breaks a rule of the store. */
  | 'upload-refused'
  /** A snap-build that does not prove what it should. */
  | 'build-refused';

/** An error of the publishers' rules. */
export class PublisherError extends AirlockError<PublisherErrorCode> {}
