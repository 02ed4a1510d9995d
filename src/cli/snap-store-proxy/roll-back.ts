import { Command } from '@commander-js/extra-typings';
import type { z } from 'zod';

import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { runOperation } from '../operations.ts';
import { operatorClient } from '../operator.ts';
import { note, print, printJson } from '../terminal.ts';
import { rollBackPlan } from './contract.ts';
import { printItems } from './push-imports.ts';

type Plan = z.infer<typeof rollBackPlan>;

const PATH = '/ops/v1/imports/roll-back';

/** `roll-back [ID]`: the state before the newest import or removal, or before the one of that number. */
export function rollBackCommand(context: CliContext) {
  return new Command('roll-back')
    .description('go back to what devices saw before an import or removal')
    .argument('[id]', 'oldest to undo, as list-imports numbers them; the newest alone when absent', idOf)
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--yes', 'do not ask')
    .option('--watch', 'tell where Temporal UI shows it')
    .option('--json', 'print the result as JSON')
    .action(async (id, options) => {
      const client = await operatorClient(context);
      const ask = (json: { to?: number | undefined; dryRun?: boolean; changes?: boolean }) =>
        runOperation(context, client, PATH, { json }, rollBackPlan, options);
      if (options.dryRun) {
        const plan = await ask({ to: id, dryRun: true });
        if (options.json) return printJson(context.terminal, plan);
        printPlan(context, plan);
        note(context.terminal, 'Nothing was changed.');
        return;
      }
      let to = id;
      if (!options.yes) {
        const plan = await ask({ to: id, dryRun: true });
        // What was asked about is what is undone, and nothing older, whatever happens meanwhile.
        to = plan.undone.at(-1)?.id;
        for (const each of plan.undone) note(context.terminal, `Undoes ${titleOf(each)}.`);
        const changes = plan.items.length + plan.moreItems;
        if (
          !(await context.prompts.confirm(
            `Go back, with ${changes} ${changes === 1 ? 'change' : 'changes'}? --dry-run lists them.`,
          ))
        ) {
          note(context.terminal, 'Nothing was changed.');
          if (options.json) printJson(context.terminal, plan);
          return;
        }
      }
      const result = await ask({ to, changes: options.json ?? false });
      if (options.json) return printJson(context.terminal, result);
      for (const each of result.undone) print(context.terminal, `Rolled back: ${titleOf(each)}.`);
    });
}

function idOf(text: string): number {
  const id = Number(text);
  if (/^[1-9]\d{0,9}$/.test(text) && id < 2 ** 31) return id;
  throw usageError(`cannot roll back "${text.slice(0, 40)}": name a number that list-imports shows`);
}

function titleOf({ id, kind, fileName }: Plan['undone'][number]): string {
  return `${kind === 'removal' ? 'removal' : 'import'} ${id}, ${fileName}`;
}

function printPlan(context: CliContext, plan: Plan): void {
  for (const each of plan.undone) note(context.terminal, `Undoes ${titleOf(each)}.`);
  printItems(context, plan.items);
  if (plan.moreItems > 0) note(context.terminal, `And ${plan.moreItems} more changes.`);
}
