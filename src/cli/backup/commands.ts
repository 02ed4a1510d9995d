import { resolve } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { z } from 'zod';
import type { BackupContents } from '../../backup/index.ts';
import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { existingFile } from '../files.ts';
import { runOperation } from '../operations.ts';
import { operatorClient } from '../operator.ts';
import { withBar } from '../progress.ts';
import { note, print, printJson } from '../terminal.ts';
import { openerOf, recipientOf } from './secrets.ts';

const backupResult = z.looseObject({
  path: z.string(),
  createdAt: z.string(),
  size: z.number(),
  snaps: z.number(),
});

const passphraseFile = () =>
  new Option(
    '--passphrase-file <file>',
    'file with the passphrase; else AIRLOCK_BACKUP_PASSPHRASE, else it is asked for',
  );
const privateKey = () => new Option('--private-key <file>', 'private key (PEM) that it was sealed to');

/** `backup FILE`: everything persistent into one sealed file while the appliance runs; `backup verify FILE`. */
export function backupCommand(context: CliContext) {
  return new Command('backup')
    .description('back up everything into one sealed file while Airlock runs, and verify it')
    .argument('<file>', 'the file to write, on the machine that Airlock runs on; it must not be there yet')
    .addOption(
      new Option('--blobs <how>', 'the snaps themselves, or only their digests')
        .choices(['content', 'reference'] as const)
        .default('content' as const),
    )
    .addOption(passphraseFile())
    .option('--public-key <file>', 'seal to this public key (PEM: X25519 or RSA) in place of a passphrase')
    .option('--watch', 'tell where Temporal UI shows the backup')
    .option('--json', 'print the result as JSON')
    .action(async (file, options) => {
      const client = await operatorClient(context);
      const json = { path: resolve(file), blobs: options.blobs, ...(await recipientOf(context, options)) };
      const result = await withBar(context, (onProgress, beside) =>
        runOperation(beside, client, '/ops/v1/backups', { json }, backupResult, {
          watch: options.watch,
          // Another command may have another passphrase, so none joins it.
          afterwards: '"snap-store-proxy status --verbose" shows when it is done',
          onProgress: ({ done, total }) => onProgress(done, total),
        }),
      );
      if (options.json) return printJson(context.terminal, result);
      print(context.terminal, `Backup written and verified: ${result.path}, ${result.size} bytes`);
      note(context.terminal, 'Keep what opens it apart from the file: nobody can open it without.');
    })
    .addCommand(verifyCommand(context));
}

function verifyCommand(context: CliContext) {
  return new Command('verify')
    .description('decrypt a backup, check every digest and the databases inside; needs no running Airlock')
    .argument('<file>', 'the backup')
    .addOption(passphraseFile())
    .addOption(privateKey())
    .option('--json', 'print what is inside as JSON')
    .action(async (file, _own, command) => {
      // "backup" has options of the same names, and takes them for its own.
      const options = command.optsWithGlobals();
      const { verifyBackup } = await import('../../backup/index.ts');
      const path = await existingFile(file);
      const opener = await openerOf(context, options);
      const contents = await withBar(context, (onProgress) =>
        verifyBackup(path, opener, { signal: context.signal, onProgress }),
      );
      await tellAppliance(context, contents);
      report(context, contents, options.json ?? false, 'The backup is whole and sound');
    });
}

/** `restore FILE --data FOLDER`: a whole appliance from a backup, all or nothing. */
export function restoreCommand(context: CliContext) {
  return new Command('restore')
    .description('restore a backup into an empty data folder, all or nothing; needs no running Airlock')
    .argument('<file>', 'the backup')
    .addOption(passphraseFile())
    .addOption(privateKey())
    .option('--blobs-from <folder>', 'folder with the snaps of a backup that only names them')
    .option('--json', 'print what was restored as JSON')
    .addHelpText(
      'after',
      '\nWhere AIRLOCK_DATABASE_URL names a PostgreSQL database, which must be empty, the rows are restored to it.',
    )
    .action(async (file, options) => {
      const data = context.connection.data ?? context.terminal.env['AIRLOCK_DATA'];
      if (!data) throw usageError('cannot restore without a folder: name an empty one by --data');
      const { restoreBackup } = await import('../../backup/index.ts');
      const path = await existingFile(file);
      const opener = await openerOf(context, options);
      const contents = await withBar(context, (onProgress) =>
        restoreBackup(path, opener, data, {
          signal: context.signal,
          onProgress,
          blobsFrom: options.blobsFrom,
          postgresql: context.terminal.env['AIRLOCK_DATABASE_URL'] || undefined,
        }),
      );
      report(context, contents, options.json ?? false, `Restored to ${resolve(data)}`);
      note(
        context.terminal,
        'Start it with "airlock up" on that folder, and never run it and the original at once.',
      );
    });
}

/** `status` tells when the newest backup was last verified; the verification itself needs no appliance. */
async function tellAppliance(context: CliContext, { backupId }: BackupContents): Promise<void> {
  try {
    const client = await operatorClient(context);
    await client.perform('/ops/v1/backups/verified', { method: 'POST', json: { backupId } });
  } catch {
    note(context.terminal, 'No running Airlock was told of it.');
  }
}

function report(context: CliContext, contents: BackupContents, json: boolean, done: string): void {
  const { backupId, createdAt, database, blobs, members, references } = contents;
  const inside = members.filter(({ name }) => name.startsWith('blobs/')).length;
  const summary = {
    backupId,
    createdAt,
    database,
    blobs,
    snaps: inside + references.length,
    bytes: members.reduce((sum, { size }) => sum + size, 0),
  };
  if (json) return printJson(context.terminal, summary);
  print(context.terminal, `${done}: made at ${createdAt}, ${summary.snaps} blobs, ${summary.bytes} bytes.`);
  if (blobs === 'reference') note(context.terminal, 'It names its snaps and does not hold them.');
}
