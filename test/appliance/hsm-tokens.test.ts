/** The tokens of an appliance as its operator sets them: while it runs, with PINs that are sealed or lie in files. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openFoundation, type Foundation } from '../../src/appliance/foundation.ts';
import { openTokens } from '../../src/appliance/hsm-tokens.ts';
import { isSecretSetting, settingKey } from '../../src/config/index.ts';
import { parseHsmKeyId } from '../../src/hsm/index.ts';
import { addPolicy, completeSigningKey, reserveSigningKey } from '../../src/storage/model-service/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { P11KitServer } from '../support/p11-kit.ts';
import { eventually } from '../support/processes.ts';
import { makeTestToken } from '../support/softhsm-token.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const keyId = parseHsmKeyId('0badc0de');

async function appliance(env: Readonly<Record<string, string>> = {}) {
  const folder = await temporaryFolder();
  const foundation = await openFoundation({ data: join(folder, 'data'), env, log: silentLog() });
  onTestFinished(() => foundation.database.close());
  return { folder, foundation };
}

async function open(foundation: Foundation) {
  const { tokens, close } = await openTokens(foundation);
  onTestFinished(close);
  const words = (name: string) => {
    const found = tokens.status().find((token) => token.name === name);
    return found === undefined ? 'none' : `${found.state}: ${found.words}`;
  };
  return { tokens, words };
}

/** Sets and unsets, as `config` does. */
async function set(
  foundation: Foundation,
  values: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const changes = Object.entries(values).map(([name, value]) => {
    const key = settingKey(name);
    return [key, value === undefined ? undefined : { value, secret: isSecretSetting(key) }] as const;
  });
  await foundation.settings.change(new Map(changes), new Date());
}

/** A token behind a p11-kit server. */
async function card(folder: string) {
  const token = await makeTestToken(folder);
  const server = new P11KitServer(token, folder);
  onTestFinished(() => server.close());
  await server.start();
  return { token, address: server.address };
}

describe('the default token', () => {
  it('is the embedded one until another is named', async () => {
    const { foundation } = await appliance();
    const { tokens, words } = await open(foundation);
    await eventually('the state "ready"', () => words('default').startsWith('ready'));
    expect(words('default')).toContain('the token "airlock"');
    await tokens.of('default').generateKey(keyId, 'key');
  });

  it('keeps nothing from starting without a way to it, says what to set, and is there once it is set', async () => {
    const { folder, foundation } = await appliance({ SNAP_COMMON: '/nowhere' });
    const { token, address } = await card(folder);
    await set(foundation, {
      'proxy.hsm.token-label': token.label,
      'proxy.hsm.token-pin': token.pin,
    });
    const { tokens, words } = await open(foundation);
    expect(words('default')).toBe(
      'down: cannot reach the HSM: proxy.hsm.token-label is set, and no p11-kit server listens at /nowhere/pkcs11; start one there, or set airlock.hsm.default.p11-kit-address or airlock.hsm.default.module, or restart Airlock with P11_KIT_SERVER_ADDRESS or AIRLOCK_PKCS11_MODULE for all tokens',
    );
    expect(() => tokens.of('default')).toThrow('cannot use the HSM token "default": cannot reach the HSM');
    await set(foundation, { 'airlock.hsm.default.p11-kit-address': address });
    await eventually('the state "ready"', () => words('default').startsWith('ready'));
  });

  it('is found at the documented socket as soon as the p11-kit server listens there', async () => {
    const common = await temporaryFolder();
    const { folder, foundation } = await appliance({ SNAP_COMMON: common });
    const token = await makeTestToken(folder);
    await set(foundation, {
      'proxy.hsm.token-label': token.label,
      'proxy.hsm.token-pin': token.pin,
    });
    const { words } = await open(foundation);
    expect(words('default')).toContain(`no p11-kit server listens at ${common}/pkcs11`);
    const server = new P11KitServer(token, common, 'pkcs11');
    onTestFinished(() => server.close());
    await server.start();
    await eventually('the state "ready"', () => words('default').startsWith('ready'), 60_000);
  });

  it('says that its PIN is missing, and is there once it is set', async () => {
    const { folder, foundation } = await appliance();
    const { token, address } = await card(folder);
    await set(foundation, {
      'proxy.hsm.token-label': token.label,
      'airlock.hsm.default.p11-kit-address': address,
    });
    const { words } = await open(foundation);
    expect(words('default')).toContain('set proxy.hsm.token-pin, or name a file by AIRLOCK_HSM_PIN_FILE');
    await set(foundation, { 'proxy.hsm.token-pin': token.pin });
    await eventually('the state "ready"', () => words('default').startsWith('ready'));
  });
});

describe('the PIN of the default token', () => {
  it.each(['the file of AIRLOCK_HSM_PIN_FILE', "systemd's credential airlock-hsm-pin"])(
    'is read from %s, before that of the settings',
    async (source) => {
      const place = await temporaryFolder();
      const isFile = source.startsWith('the file');
      const file = join(place, isFile ? 'pin' : 'airlock-hsm-pin');
      const { folder, foundation } = await appliance(
        isFile ? { AIRLOCK_HSM_PIN_FILE: file } : { CREDENTIALS_DIRECTORY: place },
      );
      const { token, address } = await card(folder);
      await writeFile(file, `${token.pin}\n`, { mode: 0o600 });
      await set(foundation, {
        'proxy.hsm.token-label': token.label,
        'proxy.hsm.token-pin': 'wrong',
        'airlock.hsm.default.p11-kit-address': address,
      });
      const { words } = await open(foundation);
      await eventually('the state "ready"', () => words('default').startsWith('ready'));
    },
  );
});

describe('a test signature', () => {
  it('is made with a key that a policy in force names, and the missing ones of that token are told', async () => {
    const { foundation } = await appliance();
    const { queries } = foundation.database;
    const { tokens } = await open(foundation);
    const hsm = tokens.of('default');
    const by = { createdAt: '2026-01-01T00:00:00.000Z', createdBy: 'admin' };
    const names = ['of-nobody', 'of-a-model', 'lost', 'elsewhere'];
    const [idle, used, lost, elsewhere] = names.map(() => parseHsmKeyId(randomUUID()));
    for (const [index, hsmKeyId] of [idle, used, lost, elsewhere].entries()) {
      const name = names[index] ?? '';
      const token = name === 'elsewhere' ? 'card' : 'default';
      await reserveSigningKey(queries, { hsmKeyId: hsmKeyId ?? '', token, brandId: 'brand', name, ...by });
      const made = { keyId: `K-${name}`, publicKey: '', fingerprint: '' };
      await completeSigningKey(queries, hsmKeyId ?? '', made);
      if (name === 'of-nobody') continue;
      const policy = { brandId: 'brand', modelName: `model-${name}`, ...by };
      await addPolicy(queries, { ...policy, keyId: 'K-of-nobody' });
      await addPolicy(queries, { ...policy, keyId: `K-${name}` });
    }
    for (const id of [idle, used]) await hsm.generateKey(id ?? keyId, 'key');
    expect(await hsm.probe()).toMatchObject({ key: used, missing: [lost], failure: undefined });
  });
});

describe('another token', () => {
  it('is there once it is set, and gone once it is unset, while the appliance runs', async () => {
    const { folder, foundation } = await appliance();
    const { tokens, words } = await open(foundation);
    const { token, address } = await card(folder);
    await set(foundation, {
      'airlock.hsm.card.token-label': token.label,
      'airlock.hsm.card.token-pin': token.pin,
      'airlock.hsm.card.p11-kit-address': address,
    });
    await eventually('the state "ready"', () => words('card').startsWith('ready'));
    await tokens.of('card').generateKey(keyId, 'key');
    expect(await tokens.of('card').listKeys()).toHaveLength(1);
    expect(await tokens.of('default').listKeys()).toEqual([]);

    await set(foundation, { 'airlock.hsm.card.token-label': undefined });
    await eventually('its end', () => words('card') === 'none');
    expect(() => tokens.of('card')).toThrow('cannot use the HSM token "card": it is not configured any more');
    await eventually('the state "ready"', () => words('default').startsWith('ready'));
  });

  it('has its PIN sealed', async () => {
    const { foundation } = await appliance();
    await set(foundation, { 'airlock.hsm.card.token-pin': '74656' });
    const row = await foundation.database.queries
      .selectFrom('Setting')
      .select(['value', 'sealed'])
      .where('key', '=', 'airlock.hsm.card.token-pin')
      .executeTakeFirstOrThrow();
    expect(row.sealed).toBe(true);
    expect(row.value).not.toContain('74656');
  });

  it.each(['a file', 'a credential of systemd'])('has its PIN from %s', async (source) => {
    const credentials = await temporaryFolder();
    const { folder, foundation } = await appliance({ CREDENTIALS_DIRECTORY: credentials });
    const { token, address } = await card(folder);
    await mkdir(credentials, { recursive: true });
    const file = join(credentials, source === 'a file' ? 'pin' : 'airlock-hsm-pin-card');
    await writeFile(file, `${token.pin}\n`, { mode: 0o600 });
    await set(foundation, {
      'airlock.hsm.card.token-label': token.label,
      'airlock.hsm.card.p11-kit-address': address,
      'airlock.hsm.card.pin-file': source === 'a file' ? file : undefined,
    });
    const { words } = await open(foundation);
    await eventually('the state "ready"', () => words('card').startsWith('ready'));
  });
});
