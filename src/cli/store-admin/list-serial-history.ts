import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { printList } from '../lists.ts';
import { brandGateway } from './gateway.ts';
import { allItems } from './pages.ts';

const entrySchema = z.looseObject({
  serial: z.string(),
  reason: z.string(),
  'ended-at': z.string(),
  'ended-by': z.string(),
});

/** `store-admin list serial-history MODEL`: serials that the log no longer shows as present, and why. */
export function listSerialHistoryCommand(context: CliContext) {
  return new Command('serial-history')
    .description(
      'list the serials of a model that ended: of replaced boards, given up, or of another service',
    )
    .argument('<model>', 'name of the model')
    .option('--serial <serial>', 'only this serial')
    .option('--json', 'print them as JSON, with their assertions')
    .action(async (model, options) => {
      const gateway = await brandGateway(context);
      const filter: Record<string, string> = options.serial === undefined ? {} : { serial: options.serial };
      const items = await allItems(
        gateway,
        gateway.path('model', model, 'serial-history'),
        entrySchema,
        filter,
      );
      const cells = (item: z.infer<typeof entrySchema>) => [
        item.serial,
        item.reason,
        item['ended-at'],
        item['ended-by'],
      ];
      printList(
        context,
        { columns: ['Serial', 'Reason', 'Ended at', 'Ended by'], items, cells },
        options.json,
      );
    });
}
