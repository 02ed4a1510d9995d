/** Typed configuration: Temporal's file, the documented settings, where data lies, and how secrets are sealed. */
export { ConfigError, type ConfigErrorCode } from './errors.ts';
export { loadTemporalConfig, parseTemporalConfig, type TemporalConfigSource } from './temporal.ts';
export type { QueueName, TemporalConfig } from './temporal-schema.ts';
export {
  SETTING_KEYS,
  isSecretSetting,
  isSettingKey,
  isWriteOnlySetting,
  type SettingKey,
} from './setting-keys.ts';
export {
  checkHsmTokens,
  DEFAULT_TOKEN,
  hsmTokenNames,
  hsmTokens,
  requireHsmToken,
  type HsmTokenSettings,
} from './hsm-token-settings.ts';
export { unusedReason } from './unused-settings.ts';
export { REDACTED, ROLE_SETTING, Settings, isOnline, normalSetting, settingKey } from './settings.ts';
export { DataFolder, DataFolderError, type DataFolderErrorCode } from './data-folder.ts';
export type { DataFolderLock } from './data-folder-lock.ts';
export { SecretBox, type DerivedKey } from './secret-box.ts';
export { SecretError, type SecretErrorCode } from './secret-error.ts';
export { pinFromFile, readSecretFile, systemdCredential } from './secret-file.ts';
export { trustOnly } from './egress-cas.ts';
export { sendThroughProxy } from './egress-proxy.ts';
export { createPrivateFile, writePrivateFile } from './private-file.ts';
export { operatorToken, readAddresses, writeAddresses, type RunningAddresses } from './running.ts';
