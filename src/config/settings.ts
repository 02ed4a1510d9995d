import { isIP } from 'node:net';
import { z } from 'zod';
import { ConfigError } from './errors.ts';
import { checkHsmTokenValue } from './hsm-token-settings.ts';
import { SETTING_KEYS, isOwnSetting, isSecretSetting, isSettingKey, settingRule } from './setting-keys.ts';
import type { SettingKey, SettingRule } from './setting-keys.ts';
import { brokenForm } from './setting-forms.ts';

const stringList = z.array(z.string().max(4096)).max(1000);
const TRUE = new Set(['true', 'yes', 'on', '1']);
const FALSE = new Set(['false', 'no', 'off', '0']);
const MAX_LENGTH = 65_536;

/** Where a data folder keeps which role it was set up for; no key of `config`. */
export const ROLE_SETTING = 'airlock.role';

/** What stands before a password in a web address, and the password. */
const PASSWORD = /^(https?:\/\/[^/?#:]*):[^/?#]*@/;

/** How `config` shows a secret in a list. */
export const REDACTED = '<redacted>';

/**
 * The key as typed by an operator.
 * @throws ConfigError `setting-unknown`
 */
export function settingKey(key: string): SettingKey {
  if (isSettingKey(key)) return key;
  throw new ConfigError(
    'invalid',
    'setting-unknown',
    `cannot use the setting "${key.slice(0, 100)}": there is none of that name; "config" lists all of them`,
  );
}

/**
 * Checks what an operator wrote for a key and returns it in the one form in which it is stored. `None` and an empty
 * text unset a key: then the answer is undefined.
 * @throws ConfigError `setting-invalid`, without the value where it is a secret
 */
export function normalSetting(key: SettingKey, written: string): string | undefined {
  if (written === '' || written === 'None') return undefined;
  if (written.length > MAX_LENGTH) throw invalid(key, `must be at most ${MAX_LENGTH} characters long`);
  if (written.includes(REDACTED))
    throw invalid(key, 'must be the value itself: lists leave secrets out, and --export-yaml has them');
  checkHsmTokenValue(key, written);
  const rule = settingRule(key);
  const value = readAs(key, rule, written);
  const broken = brokenForm(rule, value);
  if (broken !== undefined) throw invalid(key, broken);
  return textOf(value);
}

/** Settings at one moment: those that were set, and the documented defaults of the others. */
export class Settings {
  readonly #set: ReadonlyMap<string, string>;

  /** @param set what was set, by key, in stored form; keys that are not documented are left alone. */
  constructor(set: ReadonlyMap<string, string>) {
    this.#set = set;
  }

  /** The text of a setting that holds one. */
  text(key: SettingKey): string | undefined {
    const value = this.#value(key);
    return value === undefined ? undefined : textOf(value);
  }

  /** A number; @throws ConfigError `setting-invalid` when the key holds no number */
  number(key: SettingKey): number {
    const value = this.#value(key);
    if (typeof value !== 'number') throw invalid(key, 'is not a number');
    return value;
  }

  /** A yes or no; @throws ConfigError `setting-invalid` when the key holds neither */
  flag(key: SettingKey): boolean {
    const value = this.#value(key);
    if (typeof value !== 'boolean') throw invalid(key, 'is neither True nor False');
    return value;
  }

  /** A list of texts, empty when it was never set. */
  list(key: SettingKey): readonly string[] {
    const value = this.#value(key);
    return typeof value === 'object' ? value : [];
  }

  /** True when somebody set the key, so that its value is not a default. */
  isSet(key: SettingKey): boolean {
    return this.#set.has(key);
  }

  /**
   * Every documented key, and those of Airlock's own that were set, with the text that `config` lists for it: secrets
   * redacted, `None` for what has no value.
   */
  listed(): readonly { readonly key: SettingKey; readonly shown: string }[] {
    const own = [...this.#set.keys()].filter(isOwnSetting).toSorted();
    return [...SETTING_KEYS, ...own].map((key) => {
      const value = this.#value(key);
      return { key, shown: value === undefined ? 'None' : shownOf(key, textOf(value)) };
    });
  }

  #value(key: SettingKey): string | number | boolean | readonly string[] | undefined {
    const rule = settingRule(key);
    const stored = this.#set.get(key);
    return stored === undefined ? rule.default : readAs(key, rule, stored);
  }
}

/** Whether a host with these stored settings serves what its upstream has: set up as an online one, and not air-gapped since. */
export function isOnline(all: ReadonlyMap<string, string>): boolean {
  return all.get(ROLE_SETTING) === 'online' && !new Settings(all).flag('proxy.airgap');
}

function readAs(
  key: SettingKey,
  rule: SettingRule,
  written: string,
): string | number | boolean | readonly string[] {
  switch (rule.kind) {
    case 'text':
    case 'secret':
    case 'pin':
      return written;
    case 'choice':
      return chosen(key, rule, written);
    case 'whole-number':
      return wholeNumber(key, rule, written);
    case 'flag':
      return flag(key, written);
    case 'networks':
      return networks(key, written);
    case 'list':
      return list(key, written);
  }
}

function chosen(
  key: SettingKey,
  { choices }: { readonly choices: readonly string[] },
  written: string,
): string {
  if (choices.includes(written)) return written;
  throw invalid(key, `must be one of ${choices.join(', ')}`);
}

/** True for what is not listed as it is: a secret, and an address with a password in it. Such values are sealed at rest. */
export function isSecretValue(key: SettingKey, value: string): boolean {
  return isSecretSetting(key) || shownOf(key, value) !== value;
}

/** What `config` lists: a secret is redacted, of an address the password alone. */
function shownOf(key: SettingKey, value: string): string {
  if (!isSecretSetting(key)) return value.replace(PASSWORD, `$1:${REDACTED}@`);
  const rule = settingRule(key);
  const url = rule.kind === 'secret' && rule.form === 'connection' ? URL.parse(value) : null;
  // Without a host, or with an "@" after it, the password is somewhere else than where an address has it.
  if (!url || url.host === '' || `${url.pathname}${url.search}${url.hash}`.includes('@')) return REDACTED;
  // The query may hold another password.
  url.search = '';
  url.hash = '';
  const { password } = url;
  return password === '' ? url.href : url.href.replace(`:${password}@`, `:${REDACTED}@`);
}

function wholeNumber(
  key: SettingKey,
  { min, max }: { readonly min: number; readonly max: number },
  written: string,
): number {
  const value = /^\d{1,9}$/.test(written) ? Number(written) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalid(key, `must be a whole number from ${min} to ${max}`);
}

function flag(key: SettingKey, written: string): boolean {
  const word = written.toLowerCase();
  if (TRUE.has(word)) return true;
  if (FALSE.has(word)) return false;
  throw invalid(key, 'must be True or False');
}

/** A JSON list, or texts with commas between them. */
function list(key: SettingKey, written: string): readonly string[] {
  if (!written.trimStart().startsWith('['))
    return written
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  try {
    return stringList.parse(JSON.parse(written));
  } catch {
    throw invalid(key, 'must be a JSON list of texts, as in ["one", "two"]');
  }
}

/** Addresses, and networks with the length of their prefix behind a slash. */
function networks(key: SettingKey, written: string): readonly string[] {
  const items = list(key, written);
  const isNetwork = (item: string) => {
    const [address = '', prefix = '0', ...more] = item.split('/');
    const bits = isIP(address) === 4 ? 32 : 128;
    return isIP(address) !== 0 && more.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
  };
  if (items.every(isNetwork)) return items;
  throw invalid(key, 'must be a list of addresses and networks, as in 10.0.0.7, 10.1.0.0/16');
}

function textOf(value: string | number | boolean | readonly string[]): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function invalid(key: SettingKey, rule: string): ConfigError {
  return new ConfigError('invalid', 'setting-invalid', `cannot use this value of ${key}: it ${rule}`);
}
