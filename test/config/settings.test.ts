import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  REDACTED,
  SETTING_KEYS,
  checkHsmTokens,
  hsmTokens,
  Settings,
  isSecretSetting,
  isSecretValue,
  normalSetting,
  settingKey,
} from '../../src/config/index.ts';
import { selfSigned } from '../../src/api/tls/self-signed.ts';

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
    ['proxy.upstream', 'api.snapcraft.io'],
    ['proxy.upstream', 'ftp://api.snapcraft.io'],
    ['proxy.sso.location', 'https://'],
    // Nobody would ask such an address, and errors would tell the password.
    ['proxy.upstream', 'https://clerk:p4ss@store.example'],
    ['proxy.device-auth.allowed-device-service-urls', 'https://clerk@vault.example'],
    ['proxy.https.proxy', 'http://clerk:12/34@proxy.example:3128'],
    ['proxy.https.proxy', 'http://proxy.example:3128/path'],
    // What a list shows, written back.
    ['proxy.https.proxy', `http://clerk:${REDACTED}@proxy.example:3128`],
    ['proxy.db.connection', `postgresql://clerk:${REDACTED}@localhost/store`],
    ['proxy.hsm.token-pin', REDACTED],
    ['proxy.storage.s3.scanned-container-name', 'a bucket'],
    ['proxy.storage.s3.region', 'eu west'],
    ['proxy.hsm.token-label', 'a label of more than 32 characters'],
    ['proxy.domain', 'http://store.example'],
    ['proxy.domain', 'store example'],
    ['proxy.ipaddress', 'store.example'],
    ['internal.store.url', 'store.example'],
    ['proxy.storage.s3.server-url', '127.0.0.1:9000'],
    ['proxy.device-auth.secret', 'fifteen letters'],
    ['proxy.auth.secret', 'x'],
    ['proxy.tls.cert', 'garbage'],
    ['proxy.tls.cert', '-----BEGIN CERTIFICATE-----'],
    ['proxy.tls.key', '-----BEGIN PRIVATE KEY-----'],
    ['proxy.sso.public.key', 'garbage'],
    ['internal.publishergw.snapmodels.read-timeout', '0'],
  ] as const)('%s=%s is refused', (key, written) => {
    expect(() => normalSetting(key, written)).toThrow(`cannot use this value of ${key}`);
  });

  test.each([
    ['proxy.admin-emails', 'a@x, nobody', '"nobody" is none'],
    [
      'proxy.device-auth.allowed-device-service-urls',
      '["https://vault.example", "vault.example"]',
      '"vault.example" is none',
    ],
  ] as const)('%s=%s is refused by the item that is wrong', (key, written, item) => {
    expect(() => normalSetting(key, written)).toThrow(item);
  });

  test('keys and certificates are whole, of the sort that is needed, and never told', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { cert, key } = await selfSigned(['store.example'], new Date(), randomBytes);
    for (const [name, value] of [
      ['proxy.tls.cert', cert],
      ['proxy.tls.cert', cert + cert],
      ['proxy.tls.key', key],
      ['proxy.tls.key', pem],
      ['proxy.sso.public.key', publicKey.export({ type: 'spki', format: 'pem' }).toString()],
      ['proxy.device-auth.secret', 'sixteen letters.'],
    ] as const)
      expect(normalSetting(name, value)).toBe(value);
    expect(() => normalSetting('proxy.tls.cert', key)).toThrow('it must be a certificate in PEM');
    const told = () => normalSetting('proxy.tls.key', pem.slice(0, -100));
    expect(told).toThrow('it must be a private key in PEM');
    expect(told).not.toThrow(pem.slice(40, 60));
    expect(() => normalSetting('proxy.sso.public.key', cert.slice(0, 200))).toThrow('an RSA public key');
    expect(new Settings(new Map([['proxy.auth.secret', 'old']])).text('proxy.auth.secret')).toBe('old');
  });

  test.each([
    ['proxy.domain', 'store.example:8080'],
    ['proxy.domain', '10.0.0.7'],
    ['proxy.domain', '[::1]'],
    ['proxy.ipaddress', '[::]'],
    ['proxy.upstream', 'http://127.0.0.1:8000/'],
    ['proxy.admin-emails', '["root@localhost"]'],
  ] as const)('%s=%s is good', (key, written) => {
    expect(normalSetting(key, written)).toBe(written);
  });

  test('every documented default is a value that is taken', () => {
    for (const key of SETTING_KEYS) {
      const value = none.text(key);
      if (value !== undefined) expect(normalSetting(key, value)).toBe(value);
    }
  });

  test('a key that is not documented is refused', () => {
    expect(() => settingKey('proxy.prot.http')).toThrow('there is none of that name');
    expect(() => settingKey('toString')).toThrow('there is none of that name');
  });
});

describe('settings of further HSM tokens', () => {
  const two = new Map([
    ['proxy.hsm.token-label', 'factory'],
    ['airlock.hsm.card.token-label', 'SmartCard-HSM (UserPIN)'],
    ['airlock.hsm.card.token-pin', '74656'],
    ['airlock.hsm.card.p11-kit-address', 'unix:path=/run/airlock/card'],
  ]);

  test('name a token each, the documented one first', () => {
    expect(hsmTokens(two).map(({ name, label, pinKey }) => [name, label, pinKey])).toEqual([
      ['default', 'factory', 'proxy.hsm.token-pin'],
      ['card', 'SmartCard-HSM (UserPIN)', 'airlock.hsm.card.token-pin'],
    ]);
    expect(() => checkHsmTokens(two)).not.toThrow();
  });

  test('are listed once they are set, the PIN by its name alone', () => {
    const shown = new Settings(two).listed().filter(({ key }) => key.startsWith('airlock.hsm'));
    expect(shown).toEqual([
      { key: 'airlock.hsm.card.p11-kit-address', shown: 'unix:path=/run/airlock/card' },
      { key: 'airlock.hsm.card.token-label', shown: 'SmartCard-HSM (UserPIN)' },
      { key: 'airlock.hsm.card.token-pin', shown: REDACTED },
    ]);
    expect(isSecretSetting(settingKey('airlock.hsm.card.token-pin'))).toBe(true);
  });

  test.each([
    'airlock.hsm.Card.token-label',
    'airlock.hsm.card.label',
    'airlock.hsm.card',
    'airlock.hsm.default.token-pin',
    'airlock.hsm.card.token-pin.old',
    'airlock.hsm..token-pin',
  ])('there is no setting %s', (key) => {
    expect(() => settingKey(key)).toThrow('there is none of that name');
  });

  test.each([
    ['airlock.hsm.card.token-label', 'x'.repeat(33), 'a label has at most 32 bytes'],
    ['airlock.hsm.card.token-serial', 'x'.repeat(17), 'a serial number has at most 16 bytes'],
    ['airlock.hsm.card.module', 'opensc-pkcs11.so', 'it must be an absolute path'],
    ['airlock.hsm.card.pin-file', 'pin', 'it must be an absolute path'],
    [
      'airlock.hsm.card.p11-kit-address',
      '/run/airlock/card',
      'it must be the address that the p11-kit server prints',
    ],
  ])('%s=%s is refused', (key, written, why) => {
    expect(() => normalSetting(settingKey(key), written)).toThrow(`cannot use this value of ${key}: ${why}`);
  });

  test.each([
    ['10.0.0.7', '["10.0.0.7"]'],
    ['10.0.0.0/8, 2001:db8::/32', '["10.0.0.0/8","2001:db8::/32"]'],
    ['["::1"]', '["::1"]'],
  ])('front servers may be written as %s', (written, stored) => {
    expect(normalSetting('proxy.trust-forwarded-for', written)).toBe(stored);
  });

  test.each(['front.example', '10.0.0.0/33', '10.0.0.7/', '10.0.0.1/8/8', '2001:db8::/129', '10.0.0.7:80'])(
    'front servers may not be written as %s',
    (written) => {
      expect(() => normalSetting('proxy.trust-forwarded-for', written)).toThrow(
        'cannot use this value of proxy.trust-forwarded-for: it must be a list of addresses and networks',
      );
    },
  );

  test.each([
    [
      'a token behind a module and a p11-kit server',
      [['airlock.hsm.card.module', '/usr/lib/opensc-pkcs11.so']],
      'cannot reach the HSM token "card" in two ways',
    ],
    [
      'one token under two names',
      [
        ['airlock.hsm.copy.token-label', 'SmartCard-HSM (UserPIN)'],
        ['airlock.hsm.copy.p11-kit-address', 'unix:path=/run/airlock/card'],
      ],
      'cannot set the HSM token "copy": "card" is the same label at the same place; give one of them a token-serial',
    ],
    [
      'too many tokens',
      Array.from({ length: 15 }, (_, index) => [
        `airlock.hsm.t${String(index)}.token-label`,
        `t${String(index)}`,
      ]),
      'cannot set more than 16 HSM tokens',
    ],
  ])('%s are refused together', (_what, more, words) => {
    const all = new Map([...two, ...more.map(([key = '', value = '']) => [key, value] as const)]);
    expect(() => checkHsmTokens(all)).toThrow(words);
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

describe('an address with a password in it', () => {
  const addressOf = (user: string, password: string) =>
    `http://${encodeURIComponent(user)}:${password}@proxy.example:3128`;

  test('is taken for a proxy, sealed, and listed without the password', () => {
    fc.assert(
      fc.property(fc.string(), fc.uuid(), (user, password) => {
        const address = addressOf(user, password);
        expect(normalSetting('proxy.https.proxy', address)).toBe(address);
        expect(isSecretValue('proxy.https.proxy', address)).toBe(true);
        const listed = new Settings(new Map([['proxy.https.proxy', address]])).listed();
        expect(listed).toContainEqual({ key: 'proxy.https.proxy', shown: addressOf(user, REDACTED) });
      }),
    );
  });

  test.each(['http://proxy.example:3128', 'http://clerk@proxy.example:3128', 'https://proxy.example/'])(
    '%s has none',
    (address) => {
      expect(normalSetting('proxy.https.proxy', address)).toBe(address);
      expect(isSecretValue('proxy.https.proxy', address)).toBe(false);
      const listed = new Settings(new Map([['proxy.https.proxy', address]])).listed();
      expect(listed).toContainEqual({ key: 'proxy.https.proxy', shown: address });
    },
  );

  test('that an older version took is listed without it too', () => {
    const listed = new Settings(new Map([['proxy.upstream', 'https://clerk:p4ss@store.example/x']])).listed();
    expect(listed).toContainEqual({
      key: 'proxy.upstream',
      shown: `https://clerk:${REDACTED}@store.example/x`,
    });
  });
});

describe('the connection of a database is listed', () => {
  test.each([
    [
      'postgresql://snapproxy:s3cret@10.126.46.135:5432/snapproxy',
      'postgresql://snapproxy:<redacted>@10.126.46.135:5432/snapproxy',
    ],
    ['postgresql://snapproxy@localhost/snapproxy', 'postgresql://snapproxy@localhost/snapproxy'],
    ['postgresql://localhost/snapproxy?password=s3cret', 'postgresql://localhost/snapproxy'],
    ['host=localhost password=s3cret', REDACTED],
    // Without "//" the whole is a path to those who read addresses.
    ['snapproxy:s3cret@10.126.46.135:5432/snapproxy', REDACTED],
    ['postgres:snapproxy:s3cret@localhost/snapproxy', REDACTED],
    ['postgresql:///snapproxy:s3cret@localhost/snapproxy', REDACTED],
    // A password that was not encoded ends early.
    ['postgresql://snapproxy:12/s3cret@localhost/snapproxy', REDACTED],
    ['postgresql://snapproxy:12#s3cret@localhost/snapproxy', REDACTED],
    ['postgresql://snapproxy:12?s3cret@localhost/snapproxy', REDACTED],
  ])('%s as %s', (value, shown) => {
    const listed = new Settings(new Map([['proxy.db.connection', value]])).listed();
    expect(listed).toContainEqual({ key: 'proxy.db.connection', shown });
  });
});
