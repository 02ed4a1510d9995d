import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { printList } from '../lists.ts';
import { print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

const permitSchema = z.looseObject({
  id: z.number(),
  serial: z.string(),
  'device-key-sha3-384': z.string().nullable(),
  reason: z.string(),
  'created-at': z.string(),
  'expires-at': z.string().nullable(),
  'used-at': z.string().nullable(),
});

/** `store-admin create replacement MODEL SERIAL`: another board may take over a serial, once. */
export function createReplacementCommand(context: CliContext) {
  return new Command('replacement')
    .description('let another device key take over a serial, once')
    .argument('<model>', 'name of the model')
    .argument('<serial>', 'the serial')
    .requiredOption('--reason <text>', 'why, for the log')
    .option('--device-key <sha3-384>', 'only this device key, whatever it proposes')
    .option('--expires-at <time>', 'when the permission ends by itself (ISO 8601)')
    .option('--json', 'print the permission as JSON')
    .action(async (model, serial, options) => {
      const gateway = await brandGateway(context);
      const json = {
        serial,
        reason: options.reason,
        'device-key-sha3-384': options.deviceKey ?? null,
        'expires-at': options.expiresAt ?? null,
      };
      const permit = await gateway.client.request(
        gateway.path('model', model, 'replacements'),
        permitSchema,
        { method: 'POST', json },
      );
      if (options.json) return printJson(context.terminal, permit);
      print(
        context.terminal,
        `Serial '${serial}' of model '${model}' may be taken over once (permission ${permit.id}).`,
      );
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
        String(item.id),
        item.serial,
        item.reason,
        item['created-at'],
        item['expires-at'],
        item['used-at'],
      ];
      const columns = ['Number', 'Serial', 'Reason', 'Created at', 'Expires at', 'Used at'];
      printList(context, { columns, items, cells }, options.json);
    });
}

/** `store-admin delete replacement MODEL NUMBER`. */
export function deleteReplacementCommand(context: CliContext) {
  return new Command('replacement')
    .description('withdraw a permission to take over a serial that was not used yet')
    .argument('<model>', 'name of the model')
    .argument('<number>', 'the permission, as "list replacements" shows it')
    .action(async (model, number) => {
      const gateway = await brandGateway(context);
      await gateway.client.perform(gateway.path('model', model, 'replacements', number), {
        method: 'DELETE',
      });
      print(context.terminal, `Permission ${number} of model '${model}' withdrawn.`);
    });
}
