import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import type { ServerRequest } from '../http-client.ts';
import { runOperation } from '../operations.ts';
import { operatorClient } from '../operator.ts';
import { tableLines } from '../tables.ts';
import { note, print, printJson } from '../terminal.ts';
import { removalPlan, type RemovalPlan } from './contract.ts';

/** `delete-snap NAME`: takes an imported snap out of the store. */
export function deleteSnapCommand(context: CliContext) {
  return new Command('delete-snap')
    .description('remove an imported snap; devices that have it keep it, and roll-back brings it back')
    .argument('<snap>', 'name of the snap')
    .option('--dry-run', 'show what would be removed, and remove nothing')
    .option('--watch', 'tell where Temporal UI shows the removal')
    .option('--json', 'print the plan as JSON')
    .action(async (snap, options) => {
      const query = options.dryRun ? '?dryRun=true' : '';
      const path = `/ops/v1/pushed-snaps/${encodeURIComponent(snap)}${query}`;
      await remove(context, path, { method: 'DELETE' }, options);
    });
}

/** `prune`: removes the files of revisions that no channel offers, and with them the way back. */
export function pruneCommand(context: CliContext) {
  return new Command('prune')
    .description(
      'remove for good the revisions that no channel offers, and the files that are kept for roll-back alone',
    )
    .option('--dry-run', 'show what would be removed, and remove nothing')
    .option('--watch', 'tell where Temporal UI shows the removal')
    .option('--json', 'print the plan as JSON')
    .action((options) =>
      remove(context, '/ops/v1/prune', { json: { dryRun: options.dryRun ?? false } }, options),
    );
}

interface RemovalOptions {
  readonly dryRun?: true | undefined;
  readonly watch?: true | undefined;
  readonly json?: true | undefined;
}

/** Has the host remove, or plan it, and shows what came of it. */
async function remove(
  context: CliContext,
  path: string,
  request: ServerRequest,
  options: RemovalOptions,
): Promise<void> {
  const client = await operatorClient(context);
  show(context, await runOperation(context, client, path, request, removalPlan, options), options);
}

function show(context: CliContext, plan: RemovalPlan, options: RemovalOptions): void {
  if (options.json) return printJson(context.terminal, plan);
  const { terminal } = context;
  const rows = plan.items.map(({ name, revision, bytes }) => [name, String(revision), String(bytes)]);
  for (const line of tableLines(['Name', 'Revision', 'Bytes'], rows)) print(terminal, line);
  note(terminal, `${plan.freedBytes} bytes ${options.dryRun ? 'would be freed' : 'freed'}.`);
  if (plan.keptBytes > 0)
    note(
      terminal,
      `${plan.keptBytes} bytes ${options.dryRun ? 'would stay' : 'stay'}, so that roll-back can bring them back; prune frees them.`,
    );
  if (plan.past === null) return;
  for (const { subject, bytes } of plan.past.items)
    note(terminal, `${subject}, ${bytes} bytes, is kept for roll-back alone and goes.`);
  if (plan.past.acts > 0)
    note(
      terminal,
      `Imports and removals up to number ${plan.past.upToId} ${options.dryRun ? 'could' : 'can'} no longer be rolled back.`,
    );
}
