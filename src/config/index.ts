/** Typed configuration: Temporal's file, the documented settings, where data lies, and how secrets are sealed. */
export { loadTemporalConfig, parseTemporalConfig } from './temporal.ts';
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
export {
  REDACTED,
  ROLE_SETTING,
  Settings,
  isOnline,
  isSecretValue,
  normalSetting,
  settingKey,
} from './settings.ts';
export { DataFolder } from './data-folder.ts';
export { SecretBox } from './secret-box.ts';
export { pinFromFile, readSecretFile, systemdCredential } from './secret-file.ts';
export { trustOnly } from './egress-cas.ts';
export { sendThroughProxy } from './egress-proxy.ts';
export { createPrivateFile, systemErrorCode, writePrivateFile } from './private-file.ts';
export { operatorToken, readAddresses, writeAddresses } from './running.ts';
