import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { operatorClient } from '../operator.ts';
import { plainTableLines } from '../tables.ts';
import { print, printJson } from '../terminal.ts';
import { pushedSnaps } from './contract.ts';

/** `list-pushed-snaps`: every imported snap and the stores that show it. */
export function listPushedSnapsCommand(context: CliContext) {
  return new Command('list-pushed-snaps')
    .description('list the imported snaps')
    .option('--json', 'print them as JSON, with revisions and channels')
    .action(async (options) => {
      const client = await operatorClient(context);
      const { snaps } = await client.request('/ops/v1/pushed-snaps', pushedSnaps);
      if (options.json) return printJson(context.terminal, snaps);
      const rows = snaps.map((snap) => [snap.name, snap.stores.join(', ')]);
      for (const line of plainTableLines(['Name', 'Stores'], rows)) print(context.terminal, line);
    });
}
