import { Command, Option } from '@commander-js/extra-typings';
import { z } from 'zod';

import { printList } from '../lists.ts';
import type { CliContext } from '../context.ts';
import { print, printJson } from '../terminal.ts';
import { authorityClient, authorityPath } from './client.ts';

const accountSchema = z.looseObject({
  id: z.string(),
  username: z.string(),
  displayName: z.string(),
  email: z.string().nullable(),
  validation: z.string(),
});

/** `airlock authority create account USERNAME`: a brand, a developer or an admin. */
export function createAccountCommand(context: CliContext) {
  return new Command('account')
    .description('create the account of a brand, developer or admin')
    .argument('<username>', 'short unique name')
    .requiredOption('--email <address>', 'e-mail address to log in with')
    .option('--id <account-id>', 'account id; made when absent')
    .option('--display-name <name>', 'name for people; the username when absent')
    .addOption(
      new Option('--validation <level>', 'how far the authority vouches for it')
        .choices(['unproven', 'starred', 'verified'])
        .default('unproven'),
    )
    .option('--json', 'print the account as JSON')
    .action(async (username, options) => {
      const client = await authorityClient(context);
      const account = await client.request(authorityPath('accounts'), accountSchema, {
        method: 'POST',
        json: {
          username,
          email: options.email,
          id: options.id,
          displayName: options.displayName ?? username,
          validation: options.validation,
        },
      });
      if (options.json) return printJson(context.terminal, account);
      print(context.terminal, `Account '${account.username}' created with id ${account.id}.`);
    });
}

/** `airlock authority list accounts`. */
export function listAccountsCommand(context: CliContext) {
  return new Command('accounts')
    .description('list the accounts')
    .option('--json', 'print the accounts as JSON')
    .action(async (options) => {
      const client = await authorityClient(context);
      const schema = z.looseObject({ accounts: z.array(accountSchema) });
      const { accounts } = await client.request(authorityPath('accounts'), schema);
      const columns = ['Username', 'Id', 'E-mail', 'Validation'];
      const cells = (account: (typeof accounts)[number]) => [
        account.username,
        account.id,
        account.email ?? '',
        account.validation,
      ];
      printList(context, { columns, items: accounts, cells }, options.json);
    });
}

/** `airlock authority ungrant ROLE ACCOUNT STORE`. */
export function ungrantCommand(context: CliContext) {
  return new Command('ungrant')
    .description('take a role in a store back from an account')
    .argument('<role>', 'admin, review, view or access')
    .argument('<account>', 'id, username or e-mail address')
    .argument('<store>', 'id of the store')
    .action(async (role, account, store) => {
      const client = await authorityClient(context);
      await client.perform(authorityPath('roles', 'revoke'), {
        method: 'POST',
        json: { role, account, store },
      });
      print(context.terminal, `Account '${account}' no longer has the role ${role} in store '${store}'.`);
    });
}

/** `airlock authority grant ROLE ACCOUNT STORE`: what an account may do in a store. */
export function grantCommand(context: CliContext) {
  return new Command('grant')
    .description('give an account a role in a store: admin, review, view or access (publish)')
    .argument('<role>', 'admin, review, view or access')
    .argument('<account>', 'id, username or e-mail address')
    .argument('<store>', 'id of the store')
    .action(async (role, account, store) => {
      const client = await authorityClient(context);
      await client.perform(authorityPath('roles'), { method: 'POST', json: { role, account, store } });
      print(context.terminal, `Account '${account}' has the role ${role} in store '${store}'.`);
    });
}
