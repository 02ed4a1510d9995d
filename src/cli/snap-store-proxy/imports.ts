import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { printList } from '../lists.ts';
import { operatorClient } from '../operator.ts';

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
/** `list-imports`: every push and removal, newest first. */
export function listImportsCommand(context: CliContext) {
  return new Command('list-imports')
    .description('list what was pushed and removed, newest first, and how far back it can be undone')
    .option('--json', 'print it as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      const { imports } = await client.request('/ops/v1/imports', importsSchema);
      const columns = ['Id', 'Kind', 'File', 'At', 'Outcome', 'Roll-back'];
      const cells = (each: (typeof imports)[number]) => [
        String(each.id),
        each.kind,
        each.fileName,
        each.importedAt,
        each.outcome,
        each.canRollBack ? 'yes' : 'no',
      ];
      printList(context, { columns, items: imports, cells }, options.json);
    });
}
