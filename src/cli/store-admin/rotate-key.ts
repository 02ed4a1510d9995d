import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { ACCEPT_WIDER } from '../key-bounds.ts';
import { note, print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

const rotatedSchema = z.looseObject({
  models: z.array(z.string()),
  'old-key-until': z.string().nullable().default(null),
});

/** `store-admin rotate-key OLD NEW`: every model that signs with one key signs with another, in one step. */
export function rotateKeyCommand(context: CliContext) {
  return new Command('rotate-key')
    .description('give every model that signs with one key a serial policy with another')
    .argument('<old-sha3-384>', 'the key in use')
    .argument('<new-sha3-384>', 'the key to use from now on')
    .option(...ACCEPT_WIDER)
    .option('--json', 'print the result as JSON')
    .action(async (oldKey, newKey, options) => {
      const gateway = await brandGateway(context);
      const json = {
        'new-signing-key-sha3-384': newKey,
        ...(options.acceptWider && { 'accept-wider': true }),
      };
      const path = gateway.path('signing_key', oldKey, 'rotate');
      const rotated = await gateway.client.request(path, rotatedSchema, { method: 'POST', json });
      if (options.json) return printJson(context.terminal, rotated);
      const { models, 'old-key-until': until } = rotated;
      for (const model of models)
        print(context.terminal, `Model '${model}' configured to sign serials with key '${newKey}'.`);
      if (models.length === 0) return print(context.terminal, 'No model signs with that key.');
      const end = until === null ? '' : `, also when its account-key has ended (${until})`;
      note(
        context.terminal,
        `Key ${oldKey} is kept until it is deleted; the serials that it signed stay good${end}.`,
      );
    });
}
