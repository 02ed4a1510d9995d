import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { Hono } from 'hono';
import { z } from 'zod';
import { BackupError, requireNothingAt, sealDataKey, type Recipient } from '../../backup/index.ts';
import { LAST_BACKUP, readLastBackup } from '../../storage/index.ts';
import type { BackupInput } from '../../workflows/backup-contract.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';
import type { Processes } from './processes.ts';

/** POST /backups. One of `passphrase` and `publicKey` (PEM) is needed. Answer: started; result: BackupOutcome. */
const backupRequest = z
  .object({
    /** Absolute path of a file on the server's host that is not there yet. */
    path: z.string().min(1).max(4096).refine(isAbsolute, 'must be absolute'),
    /** `reference` leaves the snaps out and names their digests. */
    blobs: z.enum(['content', 'reference']).default('content'),
    passphrase: z.string().max(1024).optional(),
    publicKey: z.string().max(16_384).optional(),
  })
  .transform(({ path, blobs, passphrase, publicKey }, context) => {
    const recipient = recipientOf(passphrase, publicKey);
    if (recipient) return { path, blobs, recipient };
    context.addIssue({ code: 'custom', message: 'takes either a passphrase or a public key' });
    return z.NEVER;
  });

/** POST /backups/verified: a copy of the newest backup was verified elsewhere. */
const backupVerified = z.object({ backupId: z.string().max(64) });

/** Backups: make one, and note that one was verified. */
export function backupRoutes(deps: OpsDeps, processes: Processes): Hono {
  const app = new Hono();

  app.post('/backups', async (context) => {
    const { path, blobs, recipient } = await jsonBody(context, backupRequest);
    await requireNothingAt(path);
    const workflowId = `backup/${createHash('sha256').update(path).digest('hex').slice(0, 16)}`;
    if (await isRunning(processes, workflowId))
      throw new BackupError(
        'backup-running',
        `cannot begin a backup to ${path}: one is being made (${workflowId}); wait for it, or name another file`,
      );
    const { dataKey, sealed } = await sealDataKey(recipient);
    const backupId = Buffer.from(deps.random(12)).toString('hex');
    const keySetting = `backup.key.${backupId}`;
    const secret = { value: Buffer.from(dataKey).toString('base64url'), secret: true };
    await deps.settings.change(new Map([[keySetting, secret]]), deps.clock());
    const input: BackupInput = {
      backupId,
      path,
      blobs,
      key: JSON.stringify(sealed),
      keySetting,
      actor: 'operator',
    };
    try {
      return context.json(await processes.start('backup', workflowId, [input]), 202);
    } catch (error) {
      await deps.settings.change(new Map([[keySetting, undefined]]), deps.clock());
      throw error;
    }
  });

  app.post('/backups/verified', async (context) => {
    const { backupId } = await jsonBody(context, backupVerified);
    const last = await readLastBackup(deps.settings);
    if (last?.backupId === backupId) {
      const note = { ...last, verified: true, verifiedAt: deps.clock().toISOString() };
      const change = { value: JSON.stringify(note), secret: false };
      await deps.settings.change(new Map([[LAST_BACKUP, change]]), deps.clock());
    }
    return context.body(null, 204);
  });
  return app;
}

async function isRunning(processes: Processes, workflowId: string): Promise<boolean> {
  return processes.look(workflowId, 0).then(
    ({ status }) => status === 'running',
    () => false,
  );
}

function recipientOf(passphrase: string | undefined, publicKey: string | undefined): Recipient | undefined {
  if (passphrase !== undefined) return publicKey === undefined ? { passphrase } : undefined;
  return publicKey === undefined ? undefined : { publicKey };
}
