import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { operatorClient } from '../operator.ts';
import { tableLines } from '../tables.ts';
import { note, print, printJson } from '../terminal.ts';
import { removalPlan } from './contract.ts';

/** `delete-snap NAME`: takes an imported snap out of the store. */
export function deleteSnapCommand(context: CliContext) {
  return new Command('delete-snap')
    .description('remove an imported snap; devices that have it keep it')
    .argument('<snap>', 'name of the snap')
    .option('--dry-run', 'show what would be removed, and remove nothing')
    .option('--json', 'print the plan as JSON')
    .action(async (snap, options) => {
      const client = await operatorClient(context);
      const query = options.dryRun ? '?dryRun=true' : '';
      const path = `/ops/v1/pushed-snaps/${encodeURIComponent(snap)}${query}`;
      const plan = await client.request(path, removalPlan, { method: 'DELETE' });
      show(context, plan, options);
    });
}

/** `prune`: removes the files of revisions that no channel offers. */
export function pruneCommand(context: CliContext) {
  return new Command('prune')
    .description('remove revisions that no channel offers')
    .option('--dry-run', 'show what would be removed, and remove nothing')
    .option('--json', 'print the plan as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      const json = { dryRun: options.dryRun ?? false };
      const plan = await client.request('/ops/v1/prune', removalPlan, { method: 'POST', json });
      show(context, plan, options);
    });
}

interface ShowOptions {
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
}

function show(context: CliContext, plan: ReturnType<typeof removalPlan.parse>, options: ShowOptions): void {
  if (options.json) return printJson(context.terminal, plan);
  const rows = plan.items.map(({ name, revision, bytes }) => [name, String(revision), String(bytes)]);
  for (const line of tableLines(['Name', 'Revision', 'Bytes'], rows)) print(context.terminal, line);
  note(context.terminal, `${plan.freedBytes} bytes ${options.dryRun ? 'would be freed' : 'freed'}.`);
}
