import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { save } from '../files.ts';
import { operatorClient } from '../operator.ts';
import { note, printJson } from '../terminal.ts';

const inventorySchema = z.looseObject({
  format: z.literal('airlock-inventory'),
  snaps: z.array(z.looseObject({ revisions: z.array(z.unknown()), components: z.array(z.unknown()) })),
});

/** `export-inventory FILE`: what is here, for the host outside that exports to this one. */
export function exportInventoryCommand(context: CliContext) {
  return new Command('export-inventory')
    .description('write what is here to a file: exports with --inventory FILE leave it out')
    .argument('<file>', 'where to write it; - is standard output')
    .option('--json', 'print as JSON how much was written')
    .action(async (file, options) => {
      const client = await operatorClient(context);
      const inventory = await client.request('/ops/v1/inventory', inventorySchema);
      if (file === '-') return printJson(context.terminal, inventory);
      await save(file, `${JSON.stringify(inventory, null, 1)}\n`);
      const files = inventory.snaps.flatMap(({ revisions, components }) => [...revisions, ...components]);
      const written = { path: file, snaps: inventory.snaps.length, files: files.length };
      if (options.json) return printJson(context.terminal, written);
      note(
        context.terminal,
        `Inventory of ${inventory.snaps.length} snaps and ${files.length} files: ${file}`,
      );
    });
}
