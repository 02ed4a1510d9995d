import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { tableLines } from '../tables.ts';
import { print, printJson } from '../terminal.ts';
import type { BrandGateway } from './gateway.ts';

const PAGE_SIZE = '500';

/** Every item of a list that comes in pages. */
export async function allItems<T>(
  gateway: BrandGateway,
  path: string,
  item: z.ZodType<T>,
  filter: Readonly<Record<string, string>> = {},
): Promise<T[]> {
  const items: T[] = [];
  const pageSchema = z.looseObject({ items: z.array(item), 'next-cursor': z.string().nullable() });
  const query = new URLSearchParams({ ...filter, 'page-size': PAGE_SIZE });
  for (;;) {
    const page = await gateway.client.request(`${path}?${query.toString()}`, pageSchema);
    items.push(...page.items);
    if (page['next-cursor'] === null) return items;
    query.set('cursor', page['next-cursor']);
  }
}

/** Prints a list as a table, or with `--json` as it came. */
export function printList<T>(
  context: CliContext,
  list: {
    readonly columns: readonly string[];
    readonly items: readonly T[];
    readonly cells: (item: T) => (string | null | undefined)[];
  },
  json: true | undefined,
): void {
  if (json) return printJson(context.terminal, list.items);
  const rows = list.items.map((item) => list.cells(item).map((cell) => cell ?? ''));
  for (const line of tableLines(list.columns, rows)) print(context.terminal, line);
}
