import { AirlockError } from '../errors.ts';

/** What can go wrong with secrets at rest. */
export type SecretErrorCode =
  /** The sealed text was changed, or belongs to another name. */
  | 'secret-unopenable'
  /** Sealed with a master key that is not in this ring. */
  | 'secret-key-unknown'
  /** Not a sealed text of a version that we know. */
  | 'secret-form-unknown'
  | 'master-key-invalid'
  /** The master key is kept elsewhere, so it cannot be rotated from here. */
  | 'master-key-external'
  | 'secret-file-unreadable'
  /** Others on this machine may read a file that holds a secret. */
  | 'secret-file-exposed'
  | 'secret-file-empty';

/** A secret that cannot be sealed, opened or read; its sentence never holds the secret. */
export class SecretError extends AirlockError<SecretErrorCode> {}
