import { Option } from '@commander-js/extra-typings';

import type { CliContext } from './context.ts';
import { tableLines } from './tables.ts';
import { print, printJson } from './terminal.ts';

/** Names with commas between them, as one option may hold them. */
export function splitNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/**
 * An option of a list, which may also be given several times, once for each name, as the documented products have it. Its value is
 * every text that it was given, in their order.
 */
export function listOption<const Flags extends string>(flags: Flags, description: string) {
  const option = new Option(flags, `${description}; repeatable`);
  return option.argParser<readonly string[]>((text, earlier) =>
    earlier === option.defaultValue ? [text] : [...earlier, text],
  );
}

/** Prints a list as a table, or with `--json` as it came. */
export function printList<T>(
  context: CliContext,
  list: {
    readonly columns: readonly string[];
    readonly items: readonly T[];
    readonly cells: (item: T) => (string | null | undefined)[];
  },
  json: boolean | undefined,
): void {
  if (json) return printJson(context.terminal, list.items);
  const rows = list.items.map((item) => list.cells(item).map((cell) => cell ?? ''));
  for (const line of tableLines(list.columns, rows)) print(context.terminal, line);
}
