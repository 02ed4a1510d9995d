import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { printList } from '../lists.ts';
import type { CliContext } from '../context.ts';
import { brandGateway } from './gateway.ts';
import { allItems } from './pages.ts';

const entrySchema = z.looseObject({
  'model-name': z.string(),
  serial: z.string(),
  'created-at': z.string(),
  ended: z.object({ reason: z.string(), at: z.string() }).optional(),
});

/** `store-admin list serials MODEL`: the log of the serials that were signed for a model. */
export function listSerialsCommand(context: CliContext) {
  return new Command('serials')
    .description('list the serials that were signed for a model')
    .argument('<model>', 'name of the model')
    .option('--since <time>', 'only those signed at or after this moment (ISO 8601)')
    .option('--until <time>', 'only those signed before this moment (ISO 8601)')
    .option('--serial <serial>', 'only this serial')
    .option('--csv', 'print the log as CSV, with device keys, signing keys, API keys, addresses and ends')
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
    csv?: true | undefined;
    json?: true | undefined;
  },
): Promise<void> {
  const gateway = await brandGateway(context);
  const filter = {
    ...(options.since === undefined ? {} : { 'start-time': options.since }),
    ...(options.until === undefined ? {} : { 'end-time': options.until }),
  };
  const parts = options.serial === undefined ? [] : ['serial', options.serial];
  const path = gateway.path('model', model, ...parts, 'serial-log');
  if (options.csv) {
    const query = new URLSearchParams({ ...filter, format: 'csv' });
    context.terminal.stdout.write(await gateway.client.text(`${path}?${query.toString()}`));
    return;
  }
  const entries = await allItems(gateway, path, entrySchema, filter);
  const columns = ['Serial', 'Signed at', 'Ended'];
  const cells = (entry: (typeof entries)[number]) => [
    entry.serial,
    entry['created-at'],
    entry.ended === undefined ? '' : `${entry.ended.reason}, ${entry.ended.at}`,
  ];
  printList(context, { columns, items: entries, cells }, options.json);
}
