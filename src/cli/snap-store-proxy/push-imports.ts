import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { existingFile } from '../files.ts';
import { runOperation } from '../operations.ts';
import { operatorClient } from '../operator.ts';
import { withBar } from '../progress.ts';
import { tableLines } from '../tables.ts';
import { note, print, printJson } from '../terminal.ts';
import { importPlan, importResult, type ImportPlan, type ImportResult } from './contract.ts';

/** How many awaited snaps are named. */
const AWAITED_SHOWN = 20;

/** What all pushes can be told. */
export interface PushOptions {
  readonly dryRun?: true | undefined;
  readonly exporter?: string | undefined;
  readonly allowOlder?: true | undefined;
  readonly watch?: true | undefined;
  readonly json?: true | undefined;
}

/** One file to push. */
export interface Push {
  readonly kind: 'store' | 'snap' | 'snap-pair' | 'store-metadata' | 'account-keys';
  readonly file: string;
  readonly assertions?: string | undefined;
  readonly channels?: readonly string[];
  readonly pushChannelMap?: boolean;
}

/** What came of a push: a plan with `--dry-run`, else the result. */
export type PushOutcome =
  | { readonly kind: 'plan'; readonly answer: ImportPlan }
  | { readonly kind: 'result'; readonly answer: ImportResult };

/**
 * Pushes one file and shows the plan or JSON.
 *
 * @returns the result, or undefined when the plan or JSON was printed and nothing is left to say
 */
export async function runImport(
  context: CliContext,
  push: Push,
  options: PushOptions,
): Promise<ImportResult | undefined> {
  const outcome = await performImport(context, push, options);
  if (options.json) printJson(context.terminal, outcome.answer);
  else if (outcome.kind === 'plan') printPlan(context, outcome.answer);
  requireAccepted(outcome);
  return outcome.kind === 'result' && !options.json ? outcome.answer : undefined;
}

/** Asks for a plan with `--dry-run`, else runs the import as a durable process; shows nothing but a bar. */
export async function performImport(
  context: CliContext,
  push: Push,
  options: PushOptions,
): Promise<PushOutcome> {
  const client = await operatorClient(context);
  const json = {
    kind: push.kind,
    path: await existingFile(push.file),
    channels: push.channels ?? [],
    pushChannelMap: push.pushChannelMap ?? false,
    allowOlder: options.allowOlder ?? false,
    ...(push.assertions === undefined ? {} : { assertions: await existingFile(push.assertions) }),
    ...(options.exporter === undefined ? {} : { exporter: options.exporter }),
  };
  if (options.dryRun) {
    const answer = await runOperation(context, client, '/ops/v1/imports/plan', { json }, importPlan, options);
    return { kind: 'plan', answer };
  }
  const answer = await withBar(context, (onProgress, beside) =>
    runOperation(beside, client, '/ops/v1/imports', { json }, importResult, {
      watch: options.watch,
      onProgress: ({ done, total }) => onProgress(done, total),
    }),
  );
  return { kind: 'result', answer };
}

/** Says what is not part of the documented output. */
export function remark(context: CliContext, result: ImportResult): void {
  if (result.unchanged) note(context.terminal, 'Nothing changed: all that this file says is so already.');
  if (result.exporterPinned && !result.unchanged) {
    note(
      context.terminal,
      `Exports of this store must be signed by ${result.exporter ?? 'this key'} from now on.`,
    );
  }
  remarkAwaited(context, result.awaited);
}

/** Metadata may come before its snaps: that is no fault of the file, and says what is still to be pushed. */
function remarkAwaited(context: CliContext, { names, more }: ImportResult['awaited']): void {
  const count = names.length + more;
  if (count === 0) return;
  const shown = names.slice(0, AWAITED_SHOWN).join(', ');
  const rest = count > AWAITED_SHOWN ? `, and ${count - AWAITED_SHOWN} more` : '';
  note(
    context.terminal,
    `Its devices still await ${count} of its snaps, which were not pushed yet: ${shown}${rest}.`,
  );
}

/**
 * A plan that says no ends as the push would.
 *
 * @throws CliError `server-refused`
 */
export function requireAccepted({ kind, answer }: PushOutcome): void {
  if (kind !== 'plan' || !answer.refused) return;
  throw new CliError(answer.refused.kind, 'server-refused', whyRefused(answer), {
    told: answer.refused.code,
  });
}

/** The sentence that the push would end with. */
export function whyRefused({ items }: ImportPlan): string {
  return items.find(({ action }) => action === 'refused')?.detail ?? 'cannot push this';
}

/** Shows what a push would change; of one that is refused `requireAccepted` says all there is to say. */
export function printPlan(context: CliContext, plan: ImportPlan): void {
  if (plan.refused) return;
  printItems(context, plan.items);
  remarkAwaited(context, plan.awaited);
  note(context.terminal, `${plan.newBytes} bytes are new. Nothing was changed.`);
}

/** What changes, a line each. */
export function printItems(context: CliContext, items: ImportPlan['items']): void {
  const rows = items.map(({ action, kind, subject, detail }) => [action, kind, subject, detail]);
  for (const line of tableLines(['Action', 'Kind', 'Subject', 'Detail'], rows)) print(context.terminal, line);
}
