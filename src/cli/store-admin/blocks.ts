import { Argument, Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { printList } from '../lists.ts';
import { note, print } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

const KINDS = ['serial', 'device-key', 'model', 'session', 'api-key'] as const;
const blockSchema = z.looseObject({
  kind: z.string(),
  subject: z.string(),
  reason: z.string(),
  'created-at': z.string(),
});

const madeSchema = z.looseObject({ known: z.boolean().default(true) });

const kindArgument = () => new Argument('<kind>', 'what is named').choices(KINDS);
const SUBJECT = 'serial: MODEL/SERIAL; api-key: MODEL/NAME; else the key, model or session';

/** `store-admin block KIND SUBJECT`: refused from the next request on. */
export function blockCommand(context: CliContext) {
  return new Command('block')
    .description('refuse a serial, device key, model, session or API key from its next request on')
    .addArgument(kindArgument())
    .argument('<subject>', SUBJECT)
    .option('--reason <text>', 'why, for the log', '')
    .action(async (kind, subject, options) => {
      const gateway = await brandGateway(context);
      const json = { kind, subject, reason: options.reason };
      const { known } = await gateway.client.request(gateway.path('blocks'), madeSchema, {
        method: 'POST',
        json,
      });
      print(context.terminal, `Blocked: ${kind} ${subject}.`);
      if (!known)
        note(context.terminal, 'Nothing of that name is known here yet; it is refused when it comes.');
    });
}

/** `store-admin unblock KIND SUBJECT`. */
export function unblockCommand(context: CliContext) {
  return new Command('unblock')
    .description('take a block back')
    .addArgument(kindArgument())
    .argument('<subject>', SUBJECT)
    .action(async (kind, subject) => {
      const gateway = await brandGateway(context);
      await gateway.client.perform(gateway.path('blocks', 'delete'), {
        method: 'POST',
        json: { kind, subject },
      });
      print(context.terminal, `Unblocked: ${kind} ${subject}.`);
    });
}

/** `store-admin list blocks`. */
export function listBlocksCommand(context: CliContext) {
  return new Command('blocks')
    .description('list what is blocked')
    .option('--json', 'print it as JSON')
    .action(async (options) => {
      const gateway = await brandGateway(context);
      const items = await gateway.client.request(gateway.path('blocks'), z.array(blockSchema));
      const cells = (item: (typeof items)[number]) => [
        item.kind,
        item.subject,
        item.reason,
        item['created-at'],
      ];
      printList(context, { columns: ['Kind', 'Subject', 'Reason', 'Since'], items, cells }, options.json);
    });
}
