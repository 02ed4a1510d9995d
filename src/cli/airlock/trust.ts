import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { readDocument, unreadable } from '../files.ts';
import { printList } from '../lists.ts';
import { operatorClient } from '../operator.ts';
import { print, printJson } from '../terminal.ts';

const rootsSchema = z.looseObject({
  roots: z.array(
    z.looseObject({
      accountId: z.string(),
      keyId: z.string(),
      name: z.string(),
      until: z.string().nullable(),
    }),
  ),
  added: z.number().default(0),
});

/** `airlock trust`: the roots that everything imported must chain to. */
export function trustCommand(context: CliContext) {
  return new Command('trust')
    .description('show or extend the roots of trust')
    .addCommand(addCommand(context))
    .addCommand(listCommand(context));
}

function addCommand(context: CliContext) {
  return new Command('add')
    .description(
      'trust an authority\'s root: its account and account-key, as "airlock authority root" writes them',
    )
    .argument('<file>', 'the assertions; - for standard input')
    .option('--json', 'print the result as JSON')
    .action(async (file, options) => {
      const stream = await readDocument(context, file);
      if (!stream.startsWith('type: '))
        throw unreadable(file, 'it holds no assertions; take what "airlock authority root" wrote there');
      const client = await operatorClient(context);
      const trusted = await client.request('/ops/v1/trust/roots', rootsSchema, {
        method: 'POST',
        body: stream,
        headers: { 'content-type': 'application/x.ubuntu.assertion' },
      });
      if (options.json) return printJson(context.terminal, trusted);
      const { roots, added } = trusted;
      print(
        context.terminal,
        added === 0 ? 'Already trusted.' : `Trusted: ${added} new of ${roots.length} roots.`,
      );
    });
}

function listCommand(context: CliContext) {
  return new Command('list')
    .description('list the trusted roots')
    .option('--json', 'print the roots as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      const { roots } = await client.request('/ops/v1/trust/roots', rootsSchema);
      const columns = ['Account', 'Key', 'SHA3-384', 'Until'];
      const cells = (root: (typeof roots)[number]) => [
        root.accountId,
        root.name,
        root.keyId,
        root.until ?? '',
      ];
      printList(context, { columns, items: roots, cells }, options.json);
    });
}
