import { describe, expect, it } from 'vitest';
import { SettingStore, generation, type Sealer } from '../../src/storage/index.ts';
import { temporaryDatabase } from '../support/database.ts';

/** Not a cipher: enough to see which values went through it, and that the name is bound. */
const reversing: Sealer = {
  seal: (name, secret) => `${name}|${[...secret].toReversed().join('')}`,
  open: (name, sealed) => {
    if (!sealed.startsWith(`${name}|`)) throw new Error('sealed under another name');
    return [...sealed.slice(name.length + 1)].toReversed().join('');
  },
};
const at = new Date('2026-11-21T00:00:00Z');

describe('settings', () => {
  it('are read back as set, secrets sealed in the table', async () => {
    const database = await temporaryDatabase();
    const settings = new SettingStore(database, reversing);
    await settings.change(
      new Map([
        ['proxy.domain', { value: 'store.factory', secret: false }],
        ['proxy.hsm.token-pin', { value: '74656', secret: true }],
      ]),
      at,
    );
    expect(await settings.all()).toEqual(
      new Map([
        ['proxy.domain', 'store.factory'],
        ['proxy.hsm.token-pin', '74656'],
      ]),
    );
    const rows = await database.queries.selectFrom('Setting').select('value').execute();
    expect(JSON.stringify(rows)).not.toContain('74656');
  });

  it('change together and tell other processes by the generation', async () => {
    const database = await temporaryDatabase();
    const settings = new SettingStore(database, reversing);
    await settings.change(
      new Map([
        ['a', { value: '1', secret: false }],
        ['b', { value: '2', secret: false }],
      ]),
      at,
    );
    await settings.change(
      new Map([
        ['a', undefined],
        ['b', { value: '3', secret: false }],
      ]),
      at,
    );
    expect(await settings.get('a')).toBeUndefined();
    expect(await settings.get('b')).toBe('3');
    expect(await generation(database.queries, 'settings')).toBe(2);
  });

  it('make a secret once, whoever asks first', async () => {
    const settings = new SettingStore(await temporaryDatabase(), reversing);
    let made = 0;
    const ask = () => settings.secretOnce('proxy.device-auth.secret', () => `secret-${++made}`, at);
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(new Set(answers).size).toBe(1);
    expect(await settings.get('proxy.device-auth.secret')).toBe(answers[0]);
  });

  it('replace a secret that is there, and bring none back that was unset', async () => {
    const database = await temporaryDatabase();
    const settings = new SettingStore(database, reversing);
    await settings.replaceSecret('fetch.login.1', 'gone', at);
    expect(await settings.get('fetch.login.1')).toBeUndefined();
    await settings.change(new Map([['fetch.login.1', { value: 'old', secret: true }]]), at);
    await settings.replaceSecret('fetch.login.1', 'fresh', at);
    expect(await settings.get('fetch.login.1')).toBe('fresh');
    const rows = await database.queries.selectFrom('Setting').select('value').execute();
    expect(rows).toEqual([{ value: 'fetch.login.1|hserf' }]);
  });
});
