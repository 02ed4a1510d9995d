import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { createAccountCommand, grantCommand, listAccountsCommand, ungrantCommand } from './accounts.ts';
import { initCommand } from './init.ts';
import { accountKeyCommand, listAccountKeysCommand, registerKeyCommand, revokeKeyCommand } from './keys.ts';
import { rootCommand } from './root.ts';
import { declareCommand, scopeCommand } from './scoping.ts';
import {
  buildPolicyCommand,
  closeCommand,
  publishCommand,
  registerSnapCommand,
  releaseCommand,
} from './snaps.ts';
import { createStoreCommand, listSnapsCommand, listStoresCommand } from './stores.ts';
import { createTokenCommand, listAccountTokensCommand, revokeAccountTokenCommand } from './tokens.ts';

/** `airlock authority`: what the operator of an authority does. */
export function authorityCommand(context: CliContext) {
  return new Command('authority')
    .description('run an authority: accounts, stores, snaps, keys and credentials')
    .addCommand(initCommand(context))
    .addCommand(rootCommand(context))
    .addCommand(
      new Command('create')
        .description('create an account, store or token')
        .addCommand(createAccountCommand(context))
        .addCommand(createStoreCommand(context))
        .addCommand(createTokenCommand(context)),
    )
    .addCommand(
      new Command('list')
        .description('list accounts, stores, snaps, keys or tokens')
        .addCommand(listAccountsCommand(context))
        .addCommand(listStoresCommand(context))
        .addCommand(listSnapsCommand(context))
        .addCommand(listAccountKeysCommand(context))
        .addCommand(listAccountTokensCommand(context)),
    )
    .addCommand(grantCommand(context))
    .addCommand(ungrantCommand(context))
    .addCommand(registerSnapCommand(context))
    .addCommand(publishCommand(context))
    .addCommand(releaseCommand(context))
    .addCommand(closeCommand(context))
    .addCommand(buildPolicyCommand(context))
    .addCommand(registerKeyCommand(context))
    .addCommand(revokeKeyCommand(context))
    .addCommand(accountKeyCommand(context))
    .addCommand(revokeAccountTokenCommand(context))
    .addCommand(declareCommand(context))
    .addCommand(scopeCommand(context, 'scope'))
    .addCommand(scopeCommand(context, 'unscope'));
}
