import type { Command } from '@commander-js/extra-typings';

import { authorityCommand } from '../authority/index.ts';
import { backupCommand, restoreCommand } from '../backup/commands.ts';
import { operatorProgram } from '../connection-options.ts';
import type { CliContext } from '../context.ts';
import { snapStoreProxyProgram } from '../snap-store-proxy/index.ts';
import { storeAdminProgram } from '../store-admin/index.ts';
import { inspectCommand } from './inspect.ts';
import { runPartsCommand } from './run-parts.ts';
import { trustCommand } from './trust.ts';

/** `airlock`: runs the parts, and holds the other two programs as subcommands. */
export function airlockProgram(context: CliContext): Command {
  const program: Command = operatorProgram(context, 'airlock')
    .description('a snap store that a company runs itself')
    .addCommand(runPartsCommand(context, 'up'))
    .addCommand(runPartsCommand(context, 'api'))
    .addCommand(runPartsCommand(context, 'worker'))
    .addCommand(trustCommand(context))
    .addCommand(inspectCommand(context))
    .addCommand(backupCommand(context))
    .addCommand(restoreCommand(context))
    .addCommand(authorityCommand(context))
    .addCommand(storeAdminProgram(context))
    .addCommand(snapStoreProxyProgram(context));
  return program;
}
