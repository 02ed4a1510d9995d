/**
 * The documented settings, their defaults and what their values may be. Source of rule: protocol/operators.md 1.3
 * (keys and defaults), seed 000 (secrets of the backup), seed 001 (HSM). `listed` keys hold a JSON list.
 * Settings of further HSM tokens have rules of their own (hsm-token-settings.ts).
 */
import { hsmTokenKey, isHsmTokenKey, type HsmTokenKey } from './hsm-token-settings.ts';

/**
 * What a setting holds: its default has the same type. `secret` texts are sealed and shown only when asked for by name,
 * a `pin` never.
 */
export type SettingRule =
  /** `form` says what a text must be when it is set. */
  | { readonly kind: 'text'; readonly default: string | undefined; readonly form?: TextForm }
  | { readonly kind: 'choice'; readonly default: string; readonly choices: readonly string[] }
  /** A secret of the form `connection` is an address with a password in it, which alone is never listed. */
  | { readonly kind: 'secret'; readonly default: undefined; readonly form?: SecretForm }
  | { readonly kind: 'pin'; readonly default: undefined }
  | { readonly kind: 'whole-number'; readonly default: number; readonly min: number; readonly max: number }
  | { readonly kind: 'flag'; readonly default: boolean }
  | { readonly kind: 'networks'; readonly default: readonly string[] }
  | { readonly kind: 'list'; readonly default: readonly string[] | undefined; readonly form?: TextForm };

/** What a text, or each text of a list, must be. */
export type TextForm =
  | 'web-address'
  | 'proxy-address'
  | 'mail-address'
  | 'host'
  | 'ip-address'
  | 'bucket-word'
  | 'certificates'
  | 'rsa-public-key';
/** What a secret must be, where it is not any text. */
export type SecretForm = 'connection' | 'signing-secret' | 'private-key';

const text = (value?: string) => ({ kind: 'text', default: value }) as const;
const webAddress = (value?: string) => ({ kind: 'text', default: value, form: 'web-address' }) as const;
const proxyAddress = { kind: 'text', default: undefined, form: 'proxy-address' } as const;
const bucketWord = (value: string) => ({ kind: 'text', default: value, form: 'bucket-word' }) as const;
const webAddresses = (value: readonly string[]) =>
  ({ kind: 'list', default: value, form: 'web-address' }) as const;
const mailAddresses = (value: readonly string[]) =>
  ({ kind: 'list', default: value, form: 'mail-address' }) as const;
const host = (value: string) => ({ kind: 'text', default: value, form: 'host' }) as const;
const ipAddress = (value: string) => ({ kind: 'text', default: value, form: 'ip-address' }) as const;
const connection = { kind: 'secret', default: undefined, form: 'connection' } as const;
const secret = { kind: 'secret', default: undefined } as const;
const signingSecret = { kind: 'secret', default: undefined, form: 'signing-secret' } as const;
const privateKey = { kind: 'secret', default: undefined, form: 'private-key' } as const;
const certificates = { kind: 'text', default: undefined, form: 'certificates' } as const;
const rsaPublicKey = (value: string) => ({ kind: 'text', default: value, form: 'rsa-public-key' }) as const;
const choice = (...choices: readonly [string, ...string[]]) =>
  ({ kind: 'choice', default: choices[0], choices }) as const;
const pin = { kind: 'pin', default: undefined } as const;
const port = (value: number) => ({ kind: 'whole-number', default: value, min: 0, max: 65_535 }) as const;
const number = (value: number, max: number, min = 0) =>
  ({ kind: 'whole-number', default: value, min, max }) as const;
const flag = (value: boolean) => ({ kind: 'flag', default: value }) as const;
const networks = (value: readonly string[]) => ({ kind: 'networks', default: value }) as const;
const list = (value?: readonly string[]) => ({ kind: 'list', default: value }) as const;

/** Every key that `config` knows, in the order in which it lists them. */
export const SETTING_RULES = {
  'proxy.domain': host('localhost'),
  'proxy.ipaddress': ipAddress('[::]'),
  'proxy.airgap': flag(false),
  'proxy.upstream': webAddress('https://api.snapcraft.io'),
  'proxy.dashboard.location': webAddress('https://dashboard.snapcraft.io'),
  'proxy.sso.location': webAddress('https://login.ubuntu.com'),
  'proxy.sso.public.key': rsaPublicKey('key'),
  'proxy.https.proxy': proxyAddress,
  'proxy.trust-forwarded-proto': flag(false),
  'proxy.trust-forwarded-for': networks([]),
  'proxy.admin-emails': mailAddresses([]),
  'proxy.auth.secret': signingSecret,
  'proxy.device-auth.secret': signingSecret,
  'proxy.device-auth.allowed-device-service-urls': webAddresses([
    'https://serial-vault-partners.canonical.com',
  ]),
  'proxy.hsm.token-label': text(),
  'proxy.hsm.token-pin': pin,
  'proxy.key.private': secret,
  'proxy.key.public': text(),
  'proxy.tls.cert': certificates,
  'proxy.tls.key': privateKey,
  'proxy.cache.size': number(2048, 1_048_576),
  'proxy.memcached.connection': list(),
  'proxy.use-postgres-over-memcached': flag(false),
  'proxy.db.connection': connection,
  'proxy.port.http': port(80),
  'proxy.port.https': port(443),
  'proxy.port.memcached': port(11_211),
  'proxy.port.packagereview': port(8006),
  'proxy.port.publishergw': port(8010),
  'proxy.port.snapassert': port(5000),
  'proxy.port.snapauth': port(8005),
  'proxy.port.snapdevicegw': port(8000),
  'proxy.port.snapident': port(8001),
  'proxy.port.snapmodels': port(8007),
  'proxy.port.snaprevs': port(8002),
  'proxy.port.snapstorage': port(8011),
  'proxy.port.storeadmingw': port(8013),
  'proxy.oci-registry.domain': text('registry.jujucharms.com'),
  'proxy.oci-registry.username': text(),
  'proxy.oci-registry.password': secret,
  'proxy.storage.backend': choice('local', 's3'),
  'proxy.storage.s3.region': bucketWord('us-east-1'),
  'proxy.storage.s3.server-url': webAddress(),
  'proxy.storage.s3.use-path-style': flag(true),
  'proxy.storage.s3.access-key-id': text(),
  'proxy.storage.s3.secret-access-key': secret,
  'proxy.storage.s3.unscanned-container-name': text('unscanned-production'),
  'proxy.storage.s3.scanned-container-name': bucketWord('scanned-production'),
  'internal.store.id': text(),
  'internal.store.url': webAddress(),
  'internal.snapassert.signing.revisions.key': secret,
  'internal.snapassert.signing.revisions.key-id': text(),
  'internal.snapassert.signing.revisions.account-id': text(),
  'internal.publishergw.snapmodels.read-timeout': number(15, 3600, 1),
  'internal.airgap.gateway-hash': text(),
  'internal.airgap.store.admin.id': text(),
  'internal.airgap.store.admin.macaroon-sha3-384': text(),
  'internal.airgap.store.provenance-allowlist': list(),
  'internal.storeadmingw.admin-auth-token': secret,
  'internal.snapstorage.local-origin-secret': secret,
  'internal.snapstorage.hmac-shared-key': secret,
} as const satisfies Readonly<Record<string, SettingRule>>;

/** Settings of Airlock's own; listed once they are set. */
const OWN_RULES = {
  'airlock.authority.url': webAddress(),
  'airlock.authority.login': secret,
} as const satisfies Readonly<Record<string, SettingRule>>;

/** The name of a documented setting. */
export type DocumentedKey = keyof typeof SETTING_RULES;

/** The name of a setting: a documented one, one of Airlock's own, or one of a further HSM token. */
export type SettingKey = DocumentedKey | keyof typeof OWN_RULES | HsmTokenKey;

/** True for a key that `config` takes. */
export function isSettingKey(key: string): key is SettingKey {
  return isDocumented(key) || isOwnSetting(key);
}

/** True for a key that no document but Airlock's knows. */
export function isOwnSetting(key: string): key is Exclude<SettingKey, DocumentedKey> {
  return isNamedOwn(key) || isHsmTokenKey(key);
}

/** What a setting holds. */
export function settingRule(key: SettingKey): SettingRule {
  if (isDocumented(key)) return SETTING_RULES[key];
  if (isNamedOwn(key)) return OWN_RULES[key];
  return hsmTokenKey(key)?.field === 'token-pin' ? pin : text();
}

/** True when the setting's value is sealed at rest and never listed. */
export function isSecretSetting(key: SettingKey): boolean {
  return settingRule(key).kind === 'secret' || isWriteOnlySetting(key);
}

/** True when nobody is shown the value again, whoever asks: an HSM's PIN has no use but at the HSM. */
export function isWriteOnlySetting(key: SettingKey): boolean {
  return settingRule(key).kind === 'pin';
}

function isNamedOwn(key: string): key is keyof typeof OWN_RULES {
  return Object.hasOwn(OWN_RULES, key);
}

function isDocumented(key: string): key is DocumentedKey {
  return Object.hasOwn(SETTING_RULES, key);
}

/** Every documented key, in the order in which `config` lists them. */
export const SETTING_KEYS: readonly DocumentedKey[] = Object.keys(SETTING_RULES).filter(isDocumented);
