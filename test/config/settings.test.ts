import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  REDACTED,
  SETTING_KEYS,
  Settings,
  isSecretSetting,
  normalSetting,
  settingKey,
} from '../../src/config/index.ts';

const none = new Settings(new Map());

describe('documented defaults', () => {
  test.each([
    ['proxy.domain', 'localhost'],
    ['proxy.port.https', '443'],
    ['proxy.airgap', 'False'],
    ['proxy.storage.s3.use-path-style', 'True'],
    ['proxy.admin-emails', '[]'],
    ['proxy.upstream', 'https://api.snapcraft.io'],
    ['proxy.auth.secret', 'None'],
  ])('%s is %s', (key, shown) => {
    expect(none.listed().find((entry) => entry.key === key)?.shown).toBe(shown);
  });

  test('are typed', () => {
    expect(none.number('proxy.cache.size')).toBe(2048);
    expect(none.flag('proxy.airgap')).toBe(false);
    expect(none.list('proxy.device-auth.allowed-device-service-urls')).toHaveLength(1);
    expect(none.text('proxy.hsm.token-label')).toBeUndefined();
  });
});

describe('what an operator writes', () => {
  test.each([
    ['proxy.airgap', 'true', 'True'],
    ['proxy.airgap', 'No', 'False'],
    ['proxy.port.http', '8080', '8080'],
    ['proxy.admin-emails', 'a@x, b@y', '["a@x","b@y"]'],
    ['proxy.admin-emails', '["a@x"]', '["a@x"]'],
    ['proxy.domain', 'store.example', 'store.example'],
  ] as const)('%s=%s is kept as %s', (key, written, kept) => {
    expect(normalSetting(key, written)).toBe(kept);
    expect(new Settings(new Map([[key, kept]])).text(key)).toBe(kept);
  });

  test.each(['', 'None'])('%j unsets', (written) => {
    expect(normalSetting('proxy.domain', written)).toBeUndefined();
  });

  test.each([
    ['proxy.port.http', '65536'],
    ['proxy.port.http', '-1'],
    ['proxy.airgap', 'perhaps'],
    ['proxy.admin-emails', '[1]'],
    ['proxy.admin-emails', '["a"'],
  ] as const)('%s=%s is refused', (key, written) => {
    expect(() => normalSetting(key, written)).toThrow(`cannot use this value of ${key}`);
  });

  test('a key that is not documented is refused', () => {
    expect(() => settingKey('proxy.prot.http')).toThrow('there is none of that name');
    expect(() => settingKey('toString')).toThrow('there is none of that name');
  });
});

test('no list of settings shows a secret', () => {
  fc.assert(
    fc.property(fc.constantFrom(...SETTING_KEYS.filter(isSecretSetting)), fc.uuid(), (key, secret) => {
      const settings = new Settings(new Map([[key, secret]]));
      expect(settings.listed().find((entry) => entry.key === key)?.shown).toBe(REDACTED);
      expect(JSON.stringify(settings.listed())).not.toContain(secret);
      expect(settings.text(key)).toBe(secret);
    }),
  );
});
