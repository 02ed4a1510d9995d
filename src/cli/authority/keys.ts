import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { printList } from '../lists.ts';
import type { CliContext } from '../context.ts';
import { readDocument, save } from '../files.ts';
import { askedBounds, CONSTRAINT, repeated, UNTIL } from '../key-bounds.ts';
import { print } from '../terminal.ts';
import { authorityClient, authorityPath } from './client.ts';

/**
 * `airlock authority register-key FILE`: signs the account-key for an account-key-request that was carried in, with the bounds that it
 * asks for or narrower ones.
 */
export function registerKeyCommand(context: CliContext) {
  return new Command('register-key')
    .description('register the key of an account-key-request and print its account-key, to be carried back')
    .argument('<file>', 'the account-key-request; - for standard input')
    .option('--output <file>', 'write the account-key to this file')
    .option(...UNTIL)
    .option(...CONSTRAINT, repeated)
    .action(async (file, options) => {
      const { until, constraints } = askedBounds(options);
      const query = new URLSearchParams({
        ...(until !== undefined && { until }),
        ...(constraints !== undefined && { constraints: JSON.stringify(constraints) }),
      });
      const request = await readDocument(context, file);
      const client = await authorityClient(context);
      const path =
        query.size === 0
          ? authorityPath('account-keys')
          : `${authorityPath('account-keys')}?${query.toString()}`;
      const accountKey = await client.text(path, {
        method: 'POST',
        body: request,
        headers: { 'content-type': 'application/x.ubuntu.assertion' },
      });
      if (options.output === undefined) {
        context.terminal.stdout.write(accountKey);
        return;
      }
      await save(options.output, accountKey);
      print(context.terminal, `Account key exported to: ${options.output}`);
    });
}

const keysSchema = z.looseObject({
  keys: z.array(
    z.looseObject({
      keyId: z.string(),
      name: z.string(),
      since: z.string(),
      until: z.string().nullable(),
      revoked: z.boolean(),
    }),
  ),
});

/** `airlock authority list keys ACCOUNT`: every account key, revoked ones too. */
export function listAccountKeysCommand(context: CliContext) {
  return new Command('keys')
    .description('list the registered keys of an account')
    .argument('<account>', 'id, username or e-mail address')
    .option('--json', 'print them as JSON')
    .action(async (account, options) => {
      const client = await authorityClient(context);
      const { keys } = await client.request(authorityPath('accounts', account, 'account-keys'), keysSchema);
      const columns = ['Name', 'SHA3-384', 'Since', 'Until'];
      const cells = (key: (typeof keys)[number]) => [
        key.name,
        key.keyId,
        key.since,
        key.revoked ? 'revoked' : (key.until ?? ''),
      ];
      printList(context, { columns, items: keys, cells }, options.json);
    });
}

/** `airlock authority revoke-key SHA3-384`: ends an account key for good. */
export function revokeKeyCommand(context: CliContext) {
  return new Command('revoke-key')
    .description('revoke an account key; carry the printed account-key to where the old one is trusted')
    .argument('<sha3-384>', 'the key')
    .option('--output <file>', 'write the revoked account-key to this file')
    .action(async (keyId, options) => {
      const client = await authorityClient(context);
      const path = authorityPath('account-keys', keyId, 'revoke');
      const accountKey = await client.text(path, { method: 'POST' });
      if (options.output === undefined) context.terminal.stdout.write(accountKey);
      else await save(options.output, accountKey);
      if (options.output !== undefined)
        print(context.terminal, `Revoked account key exported to: ${options.output}`);
    });
}

/** `airlock authority account-key SHA3-384`: an account-key with its account, to be pushed elsewhere. */
export function accountKeyCommand(context: CliContext) {
  return new Command('account-key')
    .description('print an account-key and its account')
    .argument('<sha3-384>', 'the key')
    .option('--output <file>', 'write them to this file')
    .action(async (keyId, options) => {
      const client = await authorityClient(context);
      const stream = await client.text(authorityPath('account-keys', keyId));
      if (options.output === undefined) context.terminal.stdout.write(stream);
      else await save(options.output, stream);
    });
}
