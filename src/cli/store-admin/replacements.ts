import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { print } from '../terminal.ts';
import { brandGateway } from './gateway.ts';
import { printList } from './pages.ts';

const permitSchema = z.looseObject({
  serial: z.string(),
  'device-key-sha3-384': z.string().nullable(),
  reason: z.string(),
  'created-at': z.string(),
  'used-at': z.string().nullable(),
});

/** `store-admin create replacement MODEL SERIAL`: another board may take over a serial, once. */
export function createReplacementCommand(context: CliContext) {
  return new Command('replacement')
    .description('let another device key take over a serial, once')
    .argument('<model>', 'name of the model')
    .argument('<serial>', 'the serial')
    .requiredOption('--reason <text>', 'why, for the log')
    .option('--device-key <sha3-384>', 'only this device key')
    .action(async (model, serial, options) => {
      const gateway = await brandGateway(context);
      const json = { serial, reason: options.reason, 'device-key-sha3-384': options.deviceKey ?? null };
      await gateway.client.perform(gateway.path('model', model, 'replacements'), { method: 'POST', json });
      print(context.terminal, `Serial '${serial}' of model '${model}' may be taken over once.`);
    });
}

/** `store-admin list replacements MODEL`. */
export function listReplacementsCommand(context: CliContext) {
  return new Command('replacements')
    .description('list the permissions to take over serials')
    .argument('<model>', 'name of the model')
    .option('--json', 'print them as JSON')
    .action(async (model, options) => {
      const gateway = await brandGateway(context);
      const items = await gateway.client.request(
        gateway.path('model', model, 'replacements'),
        z.array(permitSchema),
      );
      const cells = (item: (typeof items)[number]) => [
        item.serial,
        item.reason,
        item['created-at'],
        item['used-at'],
      ];
      printList(
        context,
        { columns: ['Serial', 'Reason', 'Created at', 'Used at'], items, cells },
        options.json,
      );
    });
}
