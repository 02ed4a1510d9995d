import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { MAX_SERIAL_VAULT_BYTES } from '../../devices/index.ts';
import type { CliContext } from '../context.ts';
import { readDocument } from '../files.ts';
import { note, print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

const importedSchema = z.looseObject({
  models: z.array(z.string()),
  'account-keys': z.number(),
  serials: z.number(),
  refused: z.array(z.looseObject({ subject: z.string(), message: z.string() })),
});

/** `store-admin import serial-vault FILE`: models with their API keys, account-keys, and who has which serial. */
export function importSerialVaultCommand(context: CliContext) {
  return new Command('serial-vault')
    .description("take over a Serial Vault's models, API keys, account-keys and signing log")
    .argument(
      '<file>',
      'answers of its /v1/models, /v1/keypairs and /v1/signinglog in one JSON document; - for standard input',
    )
    .option('--dry-run', 'show what would be taken over, and change nothing')
    .option('--json', 'print the result as JSON')
    .action(async (file, options) => {
      const gateway = await brandGateway(context);
      const path = `${gateway.path('serial-vault', 'import')}${options.dryRun ? '?dry-run=true' : ''}`;
      const body = await readDocument(context, file, MAX_SERIAL_VAULT_BYTES);
      const result = await gateway.client.request(path, importedSchema, { method: 'POST', body });
      if (options.json) return printJson(context.terminal, result);
      for (const { subject, message } of result.refused)
        note(context.terminal, `refused: ${subject}: ${message}`);
      const words = options.dryRun ? 'To be taken over' : 'Taken over';
      print(
        context.terminal,
        `${words}: ${result.models.length} models, ${result['account-keys']} account-keys, ${result.serials} serials.`,
      );
    });
}
