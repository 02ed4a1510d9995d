import { AirlockError } from '../errors.ts';

/** What can be wrong with configuration. */
export type ConfigErrorCode =
  | 'config-file-unreadable'
  | 'config-file-invalid'
  | 'setting-unknown'
  | 'setting-invalid'
  /** There are no settings for an HSM token of that name. */
  | 'hsm-token-missing';

/** A configuration file or a setting that cannot be used; the sentence names the file or key and what it should hold. */
export class ConfigError extends AirlockError<ConfigErrorCode> {}
