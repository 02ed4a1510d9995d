import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { rotationRoutes } from '../../../src/api/ops/rotation.ts';
import { sealName } from '../../../src/api/admin/model-lookup.ts';
import { DataFolder } from '../../../src/config/index.ts';
import { deviceSecrets, openDatabase, SettingStore } from '../../../src/storage/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const AT = new Date('2026-02-03T04:05:06.000Z');
const HOUR_MS = 3_600_000;

async function host() {
  const dataFolder = await new DataFolder(join(await temporaryFolder(), 'data'), {}).prepare();
  const database = await openDatabase({ file: dataFolder.database });
  onTestFinished(() => database.close());
  const box = await dataFolder.openSecretBox();
  const settings = new SettingStore(database, box);
  const app = rotationRoutes({
    database,
    settings,
    masterKeys: {
      rotate: () => dataFolder.rotateMasterKey(box),
      reseal: (name, sealed) => box.reseal(name, sealed),
    },
    clock: () => AT,
    random: (size) => new Uint8Array(randomBytes(size)),
  });
  const post = async (path: string, body: object = {}) => {
    const answer = await app.request(`/rotations/${path}`, { method: 'POST', body: JSON.stringify(body) });
    const said: unknown = await answer.json();
    return said;
  };
  return { dataFolder, database, box, settings, post };
}

test('a new device secret is in force at once; the one before is good for its grace period, and no longer one', async () => {
  const { settings, post } = await host();
  const text = async () =>
    (await deviceSecrets(settings)).map(({ secret, until }) => ({
      secret: Buffer.from(secret).toString(),
      until,
    }));
  await settings.change(new Map([['proxy.device-auth.secret', { value: 'first', secret: true }]]), AT);

  await post('device-secret', { graceHours: 2 });
  const [present, previous, ...none] = await text();
  expect(present?.secret).toMatch(/^[0-9a-f]{64}$/);
  expect(present?.until).toBeUndefined();
  expect(previous).toEqual({ secret: 'first', until: new Date(AT.getTime() + 2 * HOUR_MS) });
  expect(none).toEqual([]);

  await post('device-secret', { graceHours: 1 });
  const again = await text();
  expect(again[1]?.secret).toBe(present?.secret);
  expect(again.map(({ secret }) => secret)).not.toContain('first');
});

test('after a rotation of the master key every secret is sealed with the new one, and opens as before', async () => {
  const { dataFolder, database, box, settings, post } = await host();
  await settings.change(new Map([['proxy.auth.secret', { value: 'a secret', secret: true }]]), AT);
  await settings.change(new Map([['proxy.domain', { value: 'store.example', secret: false }]]), AT);
  const name = sealName('brand', 'model');
  const row = {
    brandId: 'brand',
    modelName: 'model',
    name: 'default',
    hash: '0'.repeat(64),
    createdAt: AT.toISOString(),
    createdBy: 'admin',
  };
  await database.queries
    .insertInto('ApiKey')
    .values([
      { ...row, sealed: box.seal(name, 'an API key') },
      { ...row, name: 'hashed-only', sealed: null },
    ])
    .execute();
  // Another process of the same host, which began before.
  const other = await dataFolder.openSecretBox();
  const before = box.keyId;

  const answer = z.object({ keyId: z.string(), resealed: z.number() }).parse(await post('master-key'));
  expect(answer).toEqual({ keyId: box.keyId, resealed: 2 });
  expect(box.keyId).not.toBe(before);
  const sealed = await database.queries
    .selectFrom('Setting')
    .select(['value'])
    .where('sealed', '=', true)
    .execute();
  expect(sealed.map(({ value }) => box.isStale(value))).toEqual([false]);
  const { sealed: key } = await database.queries
    .selectFrom('ApiKey')
    .select('sealed')
    .where('name', '=', 'default')
    .executeTakeFirstOrThrow();
  expect(box.isStale(key ?? '')).toBe(false);
  expect(other.open(name, key ?? '')).toBe('an API key');
  expect(await new SettingStore(database, other).get('proxy.auth.secret')).toBe('a secret');
  expect(await settings.get('proxy.domain')).toBe('store.example');

  const restarted = await dataFolder.openSecretBox();
  expect(restarted.keyIds).toEqual([answer.keyId, before]);
  expect((await readFile(dataFolder.masterKey, 'utf8')).match(/^[^#\n]+$/gm)).toHaveLength(2);
});
