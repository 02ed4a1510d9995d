import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { print, printJson } from '../terminal.ts';
import { savedGateway } from './gateway.ts';

const whoamiSchema = z.looseObject({
  account: z.looseObject({ id: z.string(), email: z.string().nullish(), username: z.string().nullish() }),
  permissions: z.array(z.string()).nullish(),
  expires: z.string().nullish(),
});

/** `store-admin whoami`: whom the saved log-in speaks for. */
export function whoamiCommand(context: CliContext) {
  return new Command('whoami')
    .description('show whom the saved log-in speaks for')
    .option('--json', 'print the answer as JSON')
    .action(async (options) => {
      const gateway = await savedGateway(context);
      const answer = await gateway.request('/v1/tokens/whoami', whoamiSchema);
      if (options.json) return printJson(context.terminal, answer);
      print(context.terminal, `email: ${answer.account.email ?? ''}`);
      print(context.terminal, `username: ${answer.account.username ?? ''}`);
      print(context.terminal, `id: ${answer.account.id}`);
      print(context.terminal, `permissions: ${answer.permissions?.join(', ') ?? 'no restrictions'}`);
      print(context.terminal, `store: ${gateway.url}`);
    });
}
