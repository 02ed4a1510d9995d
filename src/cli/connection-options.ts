import { Command, Option } from '@commander-js/extra-typings';

import type { CliContext } from './context.ts';

/**
 * A program whose commands speak to an appliance: they all take `--data`, `--url` and `--token-file`, before or after
 * the command's name.
 */
export function operatorProgram(context: CliContext, name: string) {
  return new Command(name)
    .addOption(new Option('--data <folder>', 'data folder of the Airlock on this machine (AIRLOCK_DATA)'))
    .addOption(new Option('--url <address>', 'address of the Airlock to speak to (AIRLOCK_URL)'))
    .addOption(
      new Option('--token-file <file>', "file with the operator's token (AIRLOCK_OPERATOR_TOKEN_FILE)"),
    )
    .hook('preAction', (program) => {
      Object.assign(context.connection, program.opts());
    });
}
