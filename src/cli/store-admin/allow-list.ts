import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { readDocument } from '../files.ts';
import { note, print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

const importSchema = z.looseObject({
  added: z.number(),
  changed: z.number(),
  unchanged: z.number(),
  refused: z.number(),
  rows: z.array(z.looseObject({ result: z.string() })),
});
const removedSchema = z.looseObject({ removed: z.number() });

/** `store-admin allow-list`: the serials that may enrol as devices of a model. */
export function allowListCommand(context: CliContext) {
  return new Command('allow-list')
    .description('import, export or shorten the list of serials that may enrol')
    .addCommand(importCommand(context))
    .addCommand(exportCommand(context))
    .addCommand(removeCommand(context));
}

function importCommand(context: CliContext) {
  return new Command('import')
    .description('add rows of a CSV or JSON file; rows at fault are refused one by one')
    .argument('<model>', 'name of the model')
    .argument('<file>', 'the rows; - for standard input')
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--json', 'print what became of each row as JSON')
    .action(async (model, file, options) => {
      const gateway = await brandGateway(context);
      const query = options.dryRun ? '?dry-run=true' : '';
      const result = await gateway.client.request(
        `${gateway.path('model', model, 'allow-list')}${query}`,
        importSchema,
        {
          method: 'POST',
          body: await readDocument(context.terminal, file),
        },
      );
      if (options.json) return printJson(context.terminal, result);
      const { added, changed, unchanged, refused } = result;
      print(
        context.terminal,
        `Added: ${added}; changed: ${changed}; unchanged: ${unchanged}; refused: ${refused}.`,
      );
      for (const row of result.rows.filter(({ result: outcome }) => outcome === 'refused')) {
        note(context.terminal, `refused: ${JSON.stringify(row)}`);
      }
    });
}

function exportCommand(context: CliContext) {
  return new Command('export')
    .description('print the list as CSV')
    .argument('<model>', 'name of the model')
    .action(async (model) => {
      const gateway = await brandGateway(context);
      const path = `${gateway.path('model', model, 'allow-list')}?format=csv`;
      context.terminal.stdout.write(await gateway.client.text(path));
    });
}

function removeCommand(context: CliContext) {
  return new Command('remove')
    .description('take serials off the list; serials that were issued stay valid')
    .argument('<model>', 'name of the model')
    .argument('<serials...>', 'serial numbers')
    .action(async (model, serials) => {
      const gateway = await brandGateway(context);
      const path = gateway.path('model', model, 'allow-list', 'delete');
      const { removed } = await gateway.client.request(path, removedSchema, {
        method: 'POST',
        json: { serials },
      });
      print(context.terminal, `Removed: ${removed}.`);
    });
}
