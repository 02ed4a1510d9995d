import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { readDocument } from '../files.ts';
import { note, print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';
import { allItems } from './pages.ts';

const importSchema = z.looseObject({
  added: z.number(),
  changed: z.number(),
  unchanged: z.number(),
  refused: z.number(),
  rows: z.array(
    z.looseObject({ row: z.number(), serial: z.string(), result: z.string(), message: z.string() }),
  ),
});
const removedSchema = z.looseObject({ removed: z.number(), kept: z.array(z.string()).default([]) });
const entrySchema = z.looseObject({ serial: z.string() });

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
          body: await readDocument(context, file),
        },
      );
      if (options.json) return printJson(context.terminal, result);
      const { added, changed, unchanged, refused } = result;
      print(
        context.terminal,
        `Added: ${added}; changed: ${changed}; unchanged: ${unchanged}; refused: ${refused}.`,
      );
      for (const { row, serial, result: outcome, message } of result.rows)
        if (options.dryRun || outcome === 'refused')
          note(
            context.terminal,
            `row ${row}: ${[serial, outcome].join(' ').trim()}${message === '' ? '' : `: ${message}`}`,
          );
    });
}

function exportCommand(context: CliContext) {
  return new Command('export')
    .description('print the list as CSV, in the form that "allow-list import" takes')
    .argument('<model>', 'name of the model')
    .option('--json', 'print it as JSON, which "allow-list import" takes too')
    .action(async (model, options) => {
      const gateway = await brandGateway(context);
      if (options.json)
        return printJson(
          context.terminal,
          await allItems(gateway, gateway.path('model', model, 'allow-list'), entrySchema),
        );
      const path = `${gateway.path('model', model, 'allow-list')}?format=csv`;
      context.terminal.stdout.write(await gateway.client.text(path));
    });
}

function removeCommand(context: CliContext) {
  return new Command('remove')
    .description('take serials off the list; serials that were issued stay valid')
    .argument('<model>', 'name of the model')
    .argument('<serials...>', 'serial numbers')
    .option('--json', 'print the result as JSON')
    .action(async (model, serials, options) => {
      const gateway = await brandGateway(context);
      const path = gateway.path('model', model, 'allow-list', 'delete');
      const result = await gateway.client.request(path, removedSchema, {
        method: 'POST',
        json: { serials },
      });
      if (options.json) return printJson(context.terminal, result);
      const { removed, kept } = result;
      print(context.terminal, `Removed: ${removed}.`);
      for (const serial of kept)
        note(context.terminal, `${serial} stays: it is not on the list, or a device has taken it`);
    });
}
