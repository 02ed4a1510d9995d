import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { tableLines } from '../tables.ts';
import { print, printJson } from '../terminal.ts';
import { brandGateway, signingKeySchema } from './gateway.ts';

/** `store-admin list keys`: the brand's signing keys, oldest first. */
export function listKeysCommand(context: CliContext) {
  return new Command('keys')
    .description("list the brand's signing keys")
    .option('--json', 'print the keys as JSON')
    .option('--verbose', 'also the HSM token that holds each key')
    .action((options) => listKeys(context, options));
}

async function listKeys(
  context: CliContext,
  { json = false, verbose = false }: { readonly json?: boolean; readonly verbose?: boolean },
): Promise<void> {
  const gateway = await brandGateway(context);
  const keys = await gateway.client.request(gateway.path('signing_key'), z.array(signingKeySchema));
  if (json) return printJson(context.terminal, keys);
  const rows = keys.map((key) => [key.name, key['sha3-384'], ...(verbose ? [key.token ?? ''] : [])]);
  const titles = ['Name', 'SHA3-384', ...(verbose ? ['Token'] : [])];
  for (const line of tableLines(titles, rows)) print(context.terminal, line);
}
