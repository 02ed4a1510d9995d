import { randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackupActivities } from '../../src/activities/backups.ts';
import { errorOfFailure, withFailures } from '../../src/activities/errors.ts';
import { sealDataKey, verifyBackup } from '../../src/backup/index.ts';
import { listActs, readLastBackup } from '../../src/storage/index.ts';
import type { BackupInput } from '../../src/workflows/backup-contract.ts';
import { backup } from '../../src/workflows/index.ts';
import { applianceFolder, PASSPHRASE, putBlob, type ApplianceFolder } from '../backup/appliance-folder.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

async function inputOf({ settings }: ApplianceFolder, path: string): Promise<BackupInput> {
  const { dataKey, sealed } = await sealDataKey({ passphrase: PASSPHRASE });
  const backupId = randomBytes(8).toString('hex');
  const keySetting = `backup.key.${backupId}`;
  const secret = { value: Buffer.from(dataKey).toString('base64url'), secret: true };
  await settings.change(new Map([[keySetting, secret]]), new Date());
  return { backupId, path, blobs: 'content', key: JSON.stringify(sealed), keySetting, actor: 'operator' };
}

function run(running: ApplianceFolder, input: BackupInput) {
  const activities = withFailures(createBackupActivities({ ...running, clock: () => new Date() }));
  return withHost(temporal, { activities }, (client) =>
    client.workflow
      .execute(backup, { workflowId: `backup/${input.backupId}`, taskQueue: 'airlock', args: [input] })
      .catch((error: unknown) => {
        throw errorOfFailure(error);
      }),
  );
}

test('a backup is written, verified, noted for status and the log, and its key forgotten', async () => {
  const running = await applianceFolder();
  await putBlob(running, 100_000);
  const folder = await temporaryFolder();
  const input = await inputOf(running, join(folder, 'night.backup'));
  const outcome = await run(running, input);
  expect(outcome).toMatchObject({ path: input.path, snaps: 1, blobs: 'content' });
  await expect(verifyBackup(input.path, { passphrase: PASSPHRASE })).resolves.toMatchObject({
    backupId: input.backupId,
  });
  expect(await readLastBackup(running.settings)).toMatchObject({ at: outcome.createdAt, verified: true });
  expect(await running.settings.get(input.keySetting)).toBeUndefined();
  const [act] = await listActs(running.database.queries, { limit: 1 });
  expect(act).toMatchObject({ act: 'backup.make', actor: 'operator' });
  expect(await readdir(folder)).toEqual(['night.backup']);
});

test('a backup that cannot be made leaves nothing, says why, and does not count as one', async () => {
  const running = await applianceFolder();
  const folder = await temporaryFolder();
  const path = join(folder, 'taken.backup');
  await writeFile(path, 'mine');
  const taken = await inputOf(running, path);
  await expect(run(running, taken)).rejects.toMatchObject({ code: 'backup-file-exists', kind: 'conflict' });
  expect(await readdir(folder)).toEqual(['taken.backup']);
  expect(await running.settings.get(taken.keySetting)).toBeUndefined();
  expect(await readLastBackup(running.settings)).toBeUndefined();
  await rm(path);
});

test('where its key is not, as after a restore, the process of a backup ends by itself', async () => {
  const running = await applianceFolder();
  const folder = await temporaryFolder();
  const input = await inputOf(running, join(folder, 'ghost.backup'));
  await running.settings.change(new Map([[input.keySetting, undefined]]), new Date());
  await expect(run(running, input)).rejects.toMatchObject({ code: 'backup-key-gone' });
  expect(await readdir(folder)).toEqual([]);
});
