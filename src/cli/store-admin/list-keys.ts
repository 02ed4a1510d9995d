import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { tableLines } from '../tables.ts';
import { note, print, printJson } from '../terminal.ts';
import { brandGateway, signingKeySchema } from './gateway.ts';

const detailsSchema = signingKeySchema.extend({
  token: z.string(),
  status: z.string(),
  until: z.string().nullable(),
  'missing-on-token': z.boolean().default(false),
  'beyond-request': z.boolean().default(false),
  signatures: z.number(),
  'signatures-in-log': z.number(),
});

/** `store-admin list keys`: the brand's signing keys, oldest first. */
export function listKeysCommand(context: CliContext) {
  return new Command('keys')
    .description("list the brand's signing keys")
    .option('--json', 'print the keys as JSON')
    .option(
      '--verbose',
      'also the HSM token that holds each key, how the key stands, when it ends, and its signatures beside the log',
    )
    .action((options) => listKeys(context, options));
}

async function listKeys(
  context: CliContext,
  { json = false, verbose = false }: { readonly json?: boolean; readonly verbose?: boolean },
): Promise<void> {
  const gateway = await brandGateway(context);
  const keys = await gateway.client.request(gateway.path('signing_key'), z.array(signingKeySchema));
  if (json && !verbose) return printJson(context.terminal, keys);
  if (!verbose) {
    const rows = keys.map((key) => [key.name, key['sha3-384']]);
    for (const line of tableLines(['Name', 'SHA3-384'], rows)) print(context.terminal, line);
    return;
  }
  const details = await Promise.all(
    keys.map((key) => gateway.client.request(gateway.path('signing_key', key['sha3-384']), detailsSchema)),
  );
  if (json) return printJson(context.terminal, details);
  const titles = ['Name', 'SHA3-384', 'Token', 'Status', 'Until', 'Signatures', 'In the log'];
  const rows = details.map((key) => [
    key.name,
    key['sha3-384'],
    key.token,
    key['missing-on-token'] ? 'missing' : key.status,
    key.until ?? '',
    String(key.signatures),
    String(key['signatures-in-log']),
  ]);
  for (const line of tableLines(titles, rows)) print(context.terminal, line);
  for (const key of details) {
    if (key['missing-on-token']) {
      note(
        context.terminal,
        `Signing key '${key.name}' is not on the HSM token '${key.token}': bring back the token that holds it, or put another key in the serial policies.`,
      );
    }
    if (key['beyond-request']) {
      note(
        context.terminal,
        `The account-key of '${key.name}' goes beyond its request: the store that signed it left out an end or constraints.`,
      );
    }
    if (key.signatures === key['signatures-in-log']) continue;
    note(
      context.terminal,
      `Signing key '${key.name}' made ${key.signatures} signatures, and the serial log has ${key['signatures-in-log']}: ask the operator to compare with a backup.`,
    );
  }
}
