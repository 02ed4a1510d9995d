import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { printList } from '../lists.ts';
import type { CliContext } from '../context.ts';
import { print } from '../terminal.ts';
import { savedGateway } from './gateway.ts';

const tokenSchema = z.looseObject({
  'session-id': z.string(),
  description: z.string().nullish(),
  'valid-until': z.string().nullish(),
  'revoked-at': z.string().nullish(),
});
const tokensSchema = z.looseObject({ macaroons: z.array(tokenSchema) });

/** `store-admin list tokens`: the credentials that the logged-in account holds. */
export function listTokensCommand(context: CliContext) {
  return new Command('tokens')
    .description('list the tokens of your account')
    .option('--json', 'print the tokens as JSON')
    .action(async (options) => {
      const gateway = await savedGateway(context);
      const { macaroons } = await gateway.request('/v1/tokens', tokensSchema);
      const columns = ['Session', 'Description', 'Valid until', 'Revoked at'];
      const cells = (token: (typeof macaroons)[number]) => [
        token['session-id'],
        token.description ?? '',
        token['valid-until'] ?? '',
        token['revoked-at'] ?? '',
      ];
      printList(context, { columns, items: macaroons, cells }, options.json);
    });
}

/** `store-admin revoke token SESSION`: ends a credential from its next use on. */
export function revokeTokenCommand(context: CliContext) {
  return new Command('token')
    .description('revoke a token of your account; it is refused from its next use on')
    .argument('<session>', 'session of the token, as "list tokens" shows it')
    .action(async (session) => {
      const gateway = await savedGateway(context);
      await gateway.request('/v1/tokens/revoke', tokensSchema, {
        method: 'POST',
        json: { 'session-id': session },
      });
      print(context.terminal, `Token '${session}' revoked.`);
    });
}
