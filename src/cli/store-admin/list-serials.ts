import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { tableLines } from '../tables.ts';
import { print, printJson } from '../terminal.ts';
import { brandGateway, type BrandGateway } from './gateway.ts';

const entrySchema = z.looseObject({ 'model-name': z.string(), serial: z.string(), 'created-at': z.string() });
const pageSchema = z.looseObject({ items: z.array(entrySchema), 'next-cursor': z.string().nullable() });
const PAGE_SIZE = '500';

type Entry = z.infer<typeof entrySchema>;

/** `store-admin list serials MODEL`: the log of the serials that were signed for a model. */
export function listSerialsCommand(context: CliContext) {
  return new Command('serials')
    .description('list the serials that were signed for a model')
    .argument('<model>', 'name of the model')
    .option('--since <time>', 'only those signed at or after this moment (ISO 8601)')
    .option('--until <time>', 'only those signed before this moment (ISO 8601)')
    .option('--serial <serial>', 'only this serial')
    .option('--json', 'print the log as JSON')
    .action((model, options) => listSerials(context, model, options));
}

async function listSerials(
  context: CliContext,
  model: string,
  options: {
    since?: string | undefined;
    until?: string | undefined;
    serial?: string | undefined;
    json?: true | undefined;
  },
): Promise<void> {
  const gateway = await brandGateway(context);
  const filter = new URLSearchParams({ 'page-size': PAGE_SIZE });
  if (options.since) filter.set('start-time', options.since);
  if (options.until) filter.set('end-time', options.until);
  const parts = options.serial === undefined ? [] : ['serial', options.serial];
  const entries = await allPages(gateway, gateway.path('model', model, ...parts, 'serial-log'), filter);
  if (options.json) return printJson(context.terminal, entries);
  const rows = entries.map((entry) => [entry.serial, entry['created-at']]);
  for (const line of tableLines(['Serial', 'Signed at'], rows)) print(context.terminal, line);
}

async function allPages(gateway: BrandGateway, path: string, filter: URLSearchParams): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    if (cursor !== '') filter.set('cursor', cursor);
    const page: z.infer<typeof pageSchema> = await gateway.client.request(
      `${path}?${filter.toString()}`,
      pageSchema,
    );
    entries.push(...page.items);
    cursor = page['next-cursor'];
  }
  return entries;
}
