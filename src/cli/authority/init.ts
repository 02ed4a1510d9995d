import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { note, print, printJson } from '../terminal.ts';
import { authorityClient, authorityPath } from './client.ts';

const initSchema = z.looseObject({
  accountId: z.string(),
  rootKeyId: z.string(),
  storeKeyId: z.string(),
  changed: z.boolean(),
});

/** `airlock authority init`: makes this host a root of trust, with two keys on its HSM. */
export function initCommand(context: CliContext) {
  return new Command('init')
    .description('make this host an authority: its account, a root key and a store key on the HSM')
    .argument('<account-id>', 'account id of the authority: 2 to 28 of a-z, 0-9 and -')
    .option('--display-name <name>', 'name for people; the account id when absent')
    .option('--email <address>', 'e-mail address of the authority', 'root@localhost')
    .option('--root-token <name>', 'HSM token for the root key, by its name in the settings')
    .option('--store-token <name>', 'HSM token for the store key')
    .option('--json', 'print the result as JSON')
    .action(async (accountId, options) => {
      const client = await authorityClient(context);
      note(context.terminal, 'Generating the root and store keys on the HSM. This may take some time.');
      const result = await client.request(authorityPath('init'), initSchema, {
        method: 'POST',
        json: {
          accountId,
          username: accountId,
          displayName: options.displayName ?? accountId,
          email: options.email,
          rootToken: options.rootToken,
          storeToken: options.storeToken,
        },
      });
      if (options.json) return printJson(context.terminal, result);
      print(
        context.terminal,
        result.changed ? `Authority '${accountId}' created.` : `Authority '${accountId}' was there already.`,
      );
      print(context.terminal, `Root key: ${result.rootKeyId}`);
      print(context.terminal, `Store key: ${result.storeKeyId}`);
    });
}
