import { generateKeyPairSync } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backupReminder } from '../../src/cli/backup/reminder.ts';
import { publishBackup, writeBackup } from '../../src/backup/index.ts';
import { applianceFolder, orderOf, PASSPHRASE } from '../backup/appliance-folder.ts';
import { answering, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const NOW = new Date('2026-02-10T00:00:00.000Z');

test('status reminds of a backup that is missing or old, and of no other', () => {
  const at = (days: number) => new Date(NOW.getTime() - days * 86_400_000).toISOString();
  expect(backupReminder(null, NOW)).toContain('no verified backup');
  expect(backupReminder({ at: at(1), verified: false }, NOW)).toContain('no verified backup');
  expect(backupReminder({ at: at(1), verified: true }, NOW)).toBeUndefined();
  expect(backupReminder({ at: at(6.9), verified: true }, NOW)).toBeUndefined();
  expect(backupReminder({ at: at(9), verified: true }, NOW)).toContain('9 days old');
});

test('a backup is verified and restored by commands that need no running Airlock', async () => {
  const running = await applianceFolder();
  const folder = await temporaryFolder();
  const order = await orderOf(join(folder, 'one.backup'));
  await writeBackup(order, {
    dataFolder: running.dataFolder,
    database: running.database.location,
    blobs: running.blobs,
  });
  await publishBackup(order);
  const passphraseFile = join(folder, 'passphrase');
  await writeFile(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 });
  const secret = ['--passphrase-file', passphraseFile];
  const nowhere = join(folder, 'nowhere');

  const verified = await runCli('airlock', ['backup', 'verify', order.path, ...secret, '--data', nowhere]);
  expect(verified).toMatchObject({ status: 0, stderr: 'No running Airlock was told of it.\n' });
  expect(verified.stdout).toMatch(
    /^The backup is whole and sound: made at 2026-02-03T04:05:06.000Z, 0 blobs, \d+ bytes\.\n$/,
  );

  const data = join(folder, 'restored');
  const restored = await runCli('snap-store-proxy', ['restore', order.path, '--data', data, ...secret]);
  expect(restored.status).toBe(0);
  expect(await readdir(data)).toEqual(expect.arrayContaining(['database.sqlite', 'master.key']));

  const again = await runCli('snap-store-proxy', ['restore', order.path, '--data', data, ...secret]);
  expect(again.status).toBe(6);
  expect(again.stderr).toContain('it is not empty');
  const wrong = { AIRLOCK_BACKUP_PASSPHRASE: 'quite another passphrase' };
  const refused = await runCli('airlock', ['backup', 'verify', order.path, '--data', nowhere], {
    env: wrong,
  });
  expect(refused).toMatchObject({ status: 2, stdout: '' });
  expect(refused.stderr).toContain('the passphrase is not the one');
  const unasked = await runCli('airlock', ['restore', order.path, '--data', nowhere]);
  expect(unasked.stderr).toContain('--passphrase-file');
  expect((await runCli('airlock', ['restore', order.path])).stderr).toContain('--data');
});

test('a private key does not leave the machine where the public one was meant', async () => {
  const server = await answering({});
  const { privateKey } = generateKeyPairSync('x25519');
  const file = join(await temporaryFolder(), 'key.pem');
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const outcome = await runCli('airlock', ['backup', '/mnt/one.backup', '--public-key', file], {
    env: { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: 'operator' },
  });
  expect(outcome).toMatchObject({ status: 2, stdout: '' });
  expect(outcome.stderr).toContain(`cannot seal to ${file}: it holds a private key`);
  expect(server.seen).toEqual([]);
});
