import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { save } from '../files.ts';
import { print } from '../terminal.ts';
import { authorityClient, authorityPath } from './client.ts';

/** `airlock authority root`: the root of trust, to be carried to devices and other hosts. */
export function rootCommand(context: CliContext) {
  return new Command('root')
    .description('print the root of trust, or write it to a file for "airlock trust add"')
    .option('--output <file>', 'write it to this file')
    .action(async (options) => {
      const client = await authorityClient(context);
      const root = await client.text(authorityPath('root'));
      if (options.output === undefined) {
        context.terminal.stdout.write(root);
        return;
      }
      await save(options.output, root);
      print(context.terminal, `Root of trust exported to: ${options.output}`);
    });
}
