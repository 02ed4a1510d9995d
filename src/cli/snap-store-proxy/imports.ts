import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { operatorClient } from '../operator.ts';
import { tableLines } from '../tables.ts';
import { note, print, printJson } from '../terminal.ts';

const importsSchema = z.looseObject({
  imports: z.array(
    z.looseObject({
      id: z.number(),
      kind: z.string(),
      fileName: z.string(),
      importedAt: z.string(),
      outcome: z.string(),
      canRollBack: z.boolean(),
    }),
  ),
});
const rollBackSchema = z.looseObject({
  importId: z.number(),
  fileName: z.string(),
  removedBlobs: z.number(),
});

/** `list-imports`: every push, newest first, refused ones too. */
export function listImportsCommand(context: CliContext) {
  return new Command('list-imports')
    .description('list what was pushed, newest first')
    .option('--json', 'print it as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      const { imports } = await client.request('/ops/v1/imports', importsSchema);
      if (options.json) return printJson(context.terminal, imports);
      const rows = imports.map((each) => [
        String(each.id),
        each.kind,
        each.fileName,
        each.importedAt,
        each.outcome,
      ]);
      for (const line of tableLines(['Id', 'Kind', 'File', 'At', 'Outcome'], rows))
        print(context.terminal, line);
    });
}

/** `roll-back`: the state before the newest import. */
export function rollBackCommand(context: CliContext) {
  return new Command('roll-back')
    .description('go back to what devices saw before the newest import')
    .option('--yes', 'do not ask')
    .option('--json', 'print the result as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      if (
        !options.yes &&
        !(await context.prompts.confirm('Go back to the state before the newest import?'))
      ) {
        note(context.terminal, 'Nothing was changed.');
        return;
      }
      const result = await client.request('/ops/v1/imports/roll-back', rollBackSchema, {
        method: 'POST',
        json: {},
      });
      if (options.json) return printJson(context.terminal, result);
      print(context.terminal, `Rolled back: ${result.fileName}.`);
    });
}
