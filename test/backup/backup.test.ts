import { generateKeyPairSync } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { createDeltaActivities } from '../../src/activities/deltas.ts';
import {
  partOf,
  publishBackup,
  restoreBackup,
  verifyBackup,
  writeBackup,
  type BackupOrder,
} from '../../src/backup/index.ts';
import { parseHsmKeyId } from '../../src/hsm/index.ts';
import { keepUndoBlobs, undoBlobs } from '../../src/storage/index.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../support/postgresql.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  PASSPHRASE,
  SECRET,
  applianceFolder,
  openToken,
  orderOf,
  putBlob,
  type ApplianceFolder,
} from './appliance-folder.ts';

const KEY_ID = parseHsmKeyId('f'.repeat(32));
const passphrase = { passphrase: PASSPHRASE };

async function backUp(from: ApplianceFolder, order: BackupOrder): Promise<string> {
  await writeBackup(order, {
    dataFolder: from.dataFolder,
    database: from.database.location,
    blobs: from.blobs,
  });
  await verifyBackup(partOf(order), { dataKey: order.dataKey });
  await publishBackup(order);
  return order.path;
}

async function target(name = 'appliance.backup'): Promise<string> {
  return join(await temporaryFolder(), name);
}

describe('a backup of a running appliance', () => {
  test('gives back database, secrets, snaps and signing keys in another folder', async () => {
    const running = await applianceFolder();
    const blob = await putBlob(running, 3_000_000);
    const hsm = await openToken(running);
    const key = await hsm.generateKey(KEY_ID, 'serials');

    const file = await backUp(running, await orderOf(await target()));
    const folder = join(await temporaryFolder(), 'restored');
    await restoreBackup(file, passphrase, folder);

    const restored = await applianceFolder(folder);
    expect(await restored.settings.get('proxy.device-auth.secret')).toBe(SECRET);
    expect(await readFile(restored.blobs.pathOf(blob))).toEqual(await readFile(running.blobs.pathOf(blob)));
    const token = await openToken(restored);
    expect(await token.findKey(KEY_ID)).toEqual(key);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  test('is of one moment, whatever is written meanwhile', async () => {
    const running = await applianceFolder();
    const write = (value: string) =>
      running.settings.change(
        new Map(['left', 'right'].map((side) => [`test.${side}`, { value, secret: true }] as const)),
        new Date(),
      );
    await write('0');
    const stop = new AbortController();
    const writer = (async () => {
      for (let round = 1; !stop.signal.aborted; round++) {
        await write(String(round));
        // The embedded engine answers at once: without a turn of the event loop nothing else would ever run.
        await nextTurn();
      }
    })();
    let file: Awaited<ReturnType<typeof backUp>>;
    try {
      file = await backUp(running, await orderOf(await target()));
    } finally {
      stop.abort();
      await writer;
    }

    const folder = join(await temporaryFolder(), 'restored');
    await restoreBackup(file, passphrase, folder);
    const { settings } = await applianceFolder(folder);
    expect(await settings.get('test.left')).toBe(await settings.get('test.right'));
    expect(await settings.get('test.left')).toMatch(/^\d+$/);
  });

  test('leaves out the keys of backups that are being made, and nothing behind in the staging folder', async () => {
    const running = await applianceFolder();
    await running.settings.change(new Map([['backup.key.x', { value: 'k', secret: true }]]), new Date());
    const file = await backUp(running, await orderOf(await target()));
    const folder = join(await temporaryFolder(), 'restored');
    await restoreBackup(file, passphrase, folder);
    const { settings } = await applianceFolder(folder);
    expect(await settings.get('backup.key.x')).toBeUndefined();
    expect(await running.settings.get('backup.key.x')).toBe('k');
    expect(await readdir(running.dataFolder.staging)).toEqual([]);
  });

  test('can be sealed to a public key, X25519 or RSA, and is opened by its private key alone', async () => {
    const running = await applianceFolder();
    const pairs = [generateKeyPairSync('x25519'), generateKeyPairSync('rsa', { modulusLength: 2048 })].map(
      ({ publicKey, privateKey }) => ({
        publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
        privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      }),
    );
    for (const [index, { publicKey, privateKey }] of pairs.entries()) {
      const file = await backUp(running, await orderOf(await target(), { recipient: { publicKey } }));
      await expect(verifyBackup(file, { privateKey })).resolves.toMatchObject({ blobs: 'content' });
      const other = pairs[1 - index]?.privateKey ?? '';
      await expect(verifyBackup(file, { privateKey: other })).rejects.toMatchObject({
        code: 'backup-key-wrong',
      });
      await expect(verifyBackup(file, passphrase)).rejects.toMatchObject({ code: 'backup-key-wrong' });
    }
  });

  test('misses no file for two revisions between which no delta pays', async () => {
    const running = await applianceFolder();
    const [source, next] = [await putBlob(running, 100_000), await putBlob(running, 100_000)];
    const revision = {
      snapId: 'a'.repeat(32),
      size: 100_000,
      version: '1',
      type: 'app',
      architectures: ['amd64'],
      base: null,
      confinement: 'strict',
      grade: 'stable',
      epoch: { read: [0], write: [0] },
      snapYaml: 'name: agent',
      provenance: 'global-upload',
      createdAt: new Date().toISOString(),
    };
    await running.database.queries
      .insertInto('SnapRevision')
      .values([
        { ...revision, revision: 1, sha3_384: source },
        { ...revision, revision: 2, sha3_384: next },
      ])
      .execute();
    const deltas = createDeltaActivities({ ...running, now: () => new Date() });
    const made = await new MockActivityEnvironment().run(deltas.makeDelta, {
      snapId: 'a'.repeat(32),
      source: { revision: 1, digest: source },
      target: { revision: 2, digest: next },
    });
    expect(made).toBe(false);
    expect(await running.database.queries.selectFrom('Delta').select('size').execute()).toEqual([
      { size: 0 },
    ]);
    await expect(backUp(running, await orderOf(await target()))).resolves.toContain('appliance.backup');
  });

  test('holds the files of removed snaps for as long as a roll-back can bring them back, and is refused without them', async () => {
    const running = await applianceFolder();
    const blob = await putBlob(running, 5000);
    await keepUndoBlobs(running.database.queries, 1, [{ digest: blob, size: 5000, subject: 'my-app 1' }]);
    const file = await backUp(running, await orderOf(await target()));
    const folder = join(await temporaryFolder(), 'restored');
    await restoreBackup(file, passphrase, folder);
    const restored = await applianceFolder(folder);
    expect((await restored.blobs.find(blob))?.size).toBe(5000);
    expect(await undoBlobs(restored.database.queries, 1)).toHaveLength(1);

    await running.blobs.remove(blob);
    await expect(backUp(running, await orderOf(await target()))).rejects.toMatchObject({
      code: 'backup-blob-missing',
    });
  });

  test('of a host from before removals could be undone is as good as ever', async () => {
    const running = await applianceFolder();
    await sql`drop table undo_blob`.execute(running.database.queries);
    const file = await backUp(running, await orderOf(await target()));
    await expect(verifyBackup(file, passphrase)).resolves.toMatchObject({ database: 'libsql' });
  });

  test('by reference holds no snaps; they are copied and checked at the restore', async () => {
    const running = await applianceFolder();
    const blob = await putBlob(running, 2_000_000);
    const file = await backUp(running, await orderOf(await target(), { blobs: 'reference' }));
    expect((await stat(file)).size).toBeLessThan(2_000_000);

    const folder = join(await temporaryFolder(), 'restored');
    await expect(restoreBackup(file, passphrase, folder)).rejects.toMatchObject({
      code: 'backup-blob-missing',
    });
    await restoreBackup(file, passphrase, folder, { blobsFrom: running.dataFolder.blobs });
    expect((await (await applianceFolder(folder)).blobs.find(blob))?.size).toBe(2_000_000);

    await writeFile(running.blobs.pathOf(blob), 'something else');
    const again = join(await temporaryFolder(), 'again');
    await expect(
      restoreBackup(file, passphrase, again, { blobsFrom: running.dataFolder.blobs }),
    ).rejects.toMatchObject({ code: 'backup-blob-missing', message: expect.stringContaining('damaged') });
    await expect(stat(again)).rejects.toThrow();
  });
});

describe.skipIf(!hasPostgreSql)('with PostgreSQL', () => {
  const backedUp = async () => {
    const running = await applianceFolder(undefined, { postgresql: await temporaryPostgreSql() });
    await running.settings.change(
      new Map([['backup.key.running', { value: 'not to be kept', secret: true }]]),
      new Date(),
    );
    return backUp(running, await orderOf(await target()));
  };

  test('a backup has the rows in it, and goes back into an empty database', async () => {
    const file = await backedUp();
    expect((await verifyBackup(file, passphrase)).database).toBe('postgresql');

    const [folder, postgresql] = [join(await temporaryFolder(), 'restored'), await temporaryPostgreSql()];
    await restoreBackup(file, passphrase, folder, { postgresql });
    expect((await readdir(folder)).filter((name) => name.startsWith('database'))).toEqual([]);
    const restored = await applianceFolder(folder, { postgresql });
    expect(await restored.settings.get('proxy.device-auth.secret')).toBe(SECRET);
    expect(await restored.settings.get('backup.key.running')).toBeUndefined();

    const again = join(await temporaryFolder(), 'again');
    await expect(restoreBackup(file, passphrase, again, { postgresql })).rejects.toMatchObject({
      code: 'restore-database-not-empty',
    });
    await expect(stat(again)).rejects.toThrow();
  });

  test('it can go on with the embedded database, too', async () => {
    const folder = join(await temporaryFolder(), 'restored');
    await restoreBackup(await backedUp(), passphrase, folder);
    const restored = await applianceFolder(folder);
    expect(await restored.settings.get('proxy.device-auth.secret')).toBe(SECRET);
  });

  test('a database that cannot be reached leaves nothing', async () => {
    const folder = join(await temporaryFolder(), 'restored');
    const nowhere = { postgresql: 'postgresql://airlock@127.0.0.1:1/none' };
    await expect(restoreBackup(await backedUp(), passphrase, folder, nowhere)).rejects.toMatchObject({
      code: 'database-unavailable',
    });
    await expect(stat(folder)).rejects.toThrow();
  });
});

describe('what is wrong is told before anything is restored', () => {
  test('a wrong passphrase, and one that is too short', async () => {
    const running = await applianceFolder();
    const file = await backUp(running, await orderOf(await target()));
    await expect(verifyBackup(file, { passphrase: 'another passphrase' })).rejects.toMatchObject({
      code: 'backup-key-wrong',
    });
    await expect(orderOf(await target(), { recipient: { passphrase: 'short' } })).rejects.toMatchObject({
      code: 'backup-key-unusable',
    });
  });

  test('a file that is cut off anywhere, longer, or changed in any part', async () => {
    const running = await applianceFolder();
    await putBlob(running, 700_000);
    const order = await orderOf(await target());
    const file = await backUp(running, order);
    const { size } = await stat(file);
    const unlock = { dataKey: order.dataKey };
    const folder = await temporaryFolder();
    const copy = join(folder, 'copy');
    const fails = () =>
      expect(verifyBackup(copy, unlock)).rejects.toMatchObject({
        code: expect.stringMatching(/^backup-(damaged|form-unknown)$/),
      });

    for (const length of [0, 10, 300, size - 262_160, size - 1]) {
      await copyFile(file, copy);
      await truncate(copy, length);
      await fails();
    }
    const whole = await readFile(file);
    for (const place of [3, 60, 2_000, Math.floor(size / 2), size - 5]) {
      const changed = Buffer.from(whole);
      changed.writeUInt8((changed[place] ?? 0) ^ 1, place);
      await writeFile(copy, changed);
      await fails();
    }
    await writeFile(copy, Buffer.concat([whole, Buffer.from('x')]));
    await fails();
    await writeFile(copy, whole);
    await expect(verifyBackup(copy, unlock)).resolves.toBeDefined();
  });

  test('a folder that is not empty is left as it is', async () => {
    const running = await applianceFolder();
    const file = await backUp(running, await orderOf(await target()));
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'mine'), 'kept');
    await expect(restoreBackup(file, passphrase, folder)).rejects.toMatchObject({
      code: 'restore-folder-unusable',
    });
    expect(await readdir(folder)).toEqual(['mine']);
  });

  test('a folder that cannot be made is said at once', async () => {
    const file = await backUp(await applianceFolder(), await orderOf(await target()));
    await expect(restoreBackup(file, passphrase, '/proc/nope/airlock')).rejects.toMatchObject({
      code: 'restore-folder-unusable',
      message: expect.stringMatching(/^cannot restore to \/proc\/nope\/airlock: /),
    });
  });

  test('a damaged backup leaves nothing behind, and the empty folder empty', async () => {
    const running = await applianceFolder();
    await putBlob(running, 600_000);
    const file = await backUp(running, await orderOf(await target()));
    await truncate(file, (await stat(file)).size - 100_000);
    const parent = await temporaryFolder();
    const folder = join(parent, 'empty');
    await mkdir(folder);
    await expect(restoreBackup(file, passphrase, folder)).rejects.toMatchObject({ code: 'backup-damaged' });
    expect(await readdir(parent)).toEqual(['empty']);
    expect(await readdir(folder)).toEqual([]);
  });

  test('a snap that is not what its name says ends the backup, and leaves no file', async () => {
    const running = await applianceFolder();
    const blob = await putBlob(running, 1000);
    await writeFile(running.blobs.pathOf(blob), 'x'.repeat(1000));
    const path = await target();
    await expect(backUp(running, await orderOf(path))).rejects.toMatchObject({
      code: 'backup-source-changed',
    });
    expect(await readdir(join(path, '..'))).toEqual([]);
  });

  test('a backup never overwrites a file', async () => {
    const running = await applianceFolder();
    const path = await target();
    await writeFile(path, 'mine');
    await expect(backUp(running, await orderOf(path))).rejects.toMatchObject({ code: 'backup-file-exists' });
    expect(await readFile(path, 'utf8')).toBe('mine');
  });
});
