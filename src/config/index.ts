/** Typed configuration: Temporal's file, the documented settings, where data lies, and how secrets are sealed. */
export { ConfigError, type ConfigErrorCode } from './errors.ts';
export { loadTemporalConfig, parseTemporalConfig, type TemporalConfigSource } from './temporal.ts';
export type { QueueName, TemporalConfig } from './temporal-schema.ts';
export { SETTING_KEYS, isSecretSetting, isSettingKey, type SettingKey } from './setting-keys.ts';
export { REDACTED, Settings, normalSetting, settingKey } from './settings.ts';
