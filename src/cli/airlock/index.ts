import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { snapStoreProxyProgram } from '../snap-store-proxy/index.ts';
import { storeAdminProgram } from '../store-admin/index.ts';
import { runPartsCommand } from './run-parts.ts';

/** `airlock`: runs the parts, and holds the other two programs as subcommands. */
export function airlockProgram(context: CliContext): Command {
  return new Command('airlock')
    .description('a snap store that a company runs itself')
    .addCommand(runPartsCommand(context, 'up'))
    .addCommand(runPartsCommand(context, 'api'))
    .addCommand(runPartsCommand(context, 'worker'))
    .addCommand(storeAdminProgram(context))
    .addCommand(snapStoreProxyProgram(context));
}
