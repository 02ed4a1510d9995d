import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { listOption, printList, splitNames } from '../lists.ts';
import { usageError } from '../errors.ts';
import { save } from '../files.ts';
import type { HttpClient } from '../http-client.ts';
import { note, print, printJson } from '../terminal.ts';
import { authorityClient, authorityPath } from './client.ts';

/** Answer of a request for a credential. */
const issuedSchema = z.looseObject({
  macaroon: z.string(),
  sessionId: z.string(),
  expires: z.string(),
});
const tokensSchema = z.looseObject({
  tokens: z.array(
    z.looseObject({
      sessionId: z.string(),
      description: z.string(),
      expiresAt: z.string().nullable(),
      revokedAt: z.string().nullable(),
    }),
  ),
});
const UNIT_SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** `airlock authority create token ACCOUNT`: a credential, limited as far as its use allows. */
export function createTokenCommand(context: CliContext) {
  return new Command('token')
    .description('issue a credential for an account')
    .argument('<account>', 'id, username or e-mail address')
    .addOption(
      listOption('--acls <permissions>', 'permissions, with commas between them').makeOptionMandatory(),
    )
    .addOption(listOption('--stores <ids>', 'only for these stores'))
    .addOption(listOption('--snaps <names>', 'only for these snaps'))
    .addOption(listOption('--channels <patterns>', 'only for these channels'))
    .option('--ttl <duration>', 'how long it lasts: 30m, 12h or 90d', '24h')
    .option('--description <text>', 'what it is for', '')
    .option('--output <file>', 'write it to this file, readable by its owner alone')
    .option('--json', 'print the credential and its session as JSON')
    .action(async (account, options) => {
      const client = await authorityClient(context);
      const issued = await issueToken(client, account, options);
      note(
        context.terminal,
        `Session ${issued.sessionId}, valid until ${issued.expires}. It is shown this once.`,
      );
      if (options.output !== undefined) return save(options.output, issued.macaroon, 0o600);
      if (options.json) return printJson(context.terminal, issued);
      print(context.terminal, issued.macaroon);
    });
}

/** Has an authority issue a credential with the limits of the options, which are lists with commas between them. */
export function issueToken(
  client: HttpClient,
  account: string,
  options: {
    readonly acls: readonly string[];
    readonly stores?: readonly string[] | undefined;
    readonly snaps?: readonly string[] | undefined;
    readonly channels?: readonly string[] | undefined;
    readonly ttl: string;
    readonly description: string;
  },
): Promise<z.infer<typeof issuedSchema>> {
  return client.request(authorityPath('tokens'), issuedSchema, {
    method: 'POST',
    json: {
      account,
      permissions: options.acls.flatMap(splitNames),
      stores: options.stores?.flatMap(splitNames),
      packages: options.snaps?.flatMap(splitNames),
      channels: options.channels?.flatMap(splitNames),
      ttl: secondsOf(options.ttl),
      description: options.description,
    },
  });
}

/** `airlock authority list tokens ACCOUNT`. */
export function listAccountTokensCommand(context: CliContext) {
  return new Command('tokens')
    .description('list the credentials of an account')
    .argument('<account>', 'id, username or e-mail address')
    .option('--json', 'print them as JSON')
    .action(async (account, options) => {
      const client = await authorityClient(context);
      const { tokens } = await client.request(authorityPath('accounts', account, 'tokens'), tokensSchema);
      const columns = ['Session', 'Description', 'Valid until', 'Revoked at'];
      const cells = (token: (typeof tokens)[number]) => [
        token.sessionId,
        token.description,
        token.expiresAt ?? '',
        token.revokedAt ?? '',
      ];
      printList(context, { columns, items: tokens, cells }, options.json);
    });
}

/** `airlock authority revoke-token SESSION`. */
export function revokeAccountTokenCommand(context: CliContext) {
  return new Command('revoke-token')
    .description('revoke a credential; it is refused from its next use on')
    .argument('<session>', 'its session, as "list tokens" shows it')
    .action(async (session) => {
      const client = await authorityClient(context);
      await client.perform(authorityPath('tokens', session, 'revoke'), { method: 'POST' });
      print(context.terminal, `Token '${session}' revoked.`);
    });
}

/** Seconds of 30m, 12h or 90d. */
function secondsOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const seconds = unit === undefined ? undefined : UNIT_SECONDS[unit];
  if (count === undefined || seconds === undefined) {
    throw usageError(`cannot use the duration "${text}": write 30m, 12h or 90d`);
  }
  return Number(count) * seconds;
}
