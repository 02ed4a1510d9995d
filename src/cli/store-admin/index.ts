import { Command } from '@commander-js/extra-typings';

import { operatorProgram } from '../connection-options.ts';
import type { CliContext } from '../context.ts';
import { createKeyCommand } from './create-key.ts';
import { createModelCommand } from './create-model.ts';
import { createSerialPolicyCommand } from './create-serial-policy.ts';
import { deleteKeyCommand, deleteModelCommand, deleteSerialPolicyCommand } from './delete.ts';
import { exportSnapsCommand, exportStoreCommand } from './export.ts';
import { listKeysCommand } from './list-keys.ts';
import { listModelsCommand } from './list-models.ts';
import { listSerialPoliciesCommand } from './list-serial-policies.ts';
import { listSerialsCommand } from './list-serials.ts';
import { loginCommand } from './login.ts';
import { registerKeyCommand } from './register-key.ts';
import { listTokensCommand, revokeTokenCommand } from './tokens.ts';
import { updateModelCommand } from './update-model.ts';
import { whoamiCommand } from './whoami.ts';

/** `store-admin`: what a brand's admin does, from any machine that reaches the store. */
export function storeAdminProgram(context: CliContext): Command {
  const program: Command = operatorProgram(context, 'store-admin')
    .description("manage a brand's models, signing keys, serial policies and exports")
    .addCommand(loginCommand(context))
    .addCommand(whoamiCommand(context))
    .addCommand(registerKeyCommand(context))
    .addCommand(
      new Command('export')
        .description('export a store or snaps')
        .addCommand(exportStoreCommand(context))
        .addCommand(exportSnapsCommand(context)),
    )
    .addCommand(
      new Command('create')
        .description('create a key, model or serial policy')
        .addCommand(createKeyCommand(context))
        .addCommand(createModelCommand(context))
        .addCommand(createSerialPolicyCommand(context)),
    )
    .addCommand(
      new Command('list')
        .description('list keys, models, serial policies, serials or tokens')
        .addCommand(listKeysCommand(context))
        .addCommand(listModelsCommand(context))
        .addCommand(listSerialPoliciesCommand(context))
        .addCommand(listSerialsCommand(context))
        .addCommand(listTokensCommand(context)),
    )
    .addCommand(new Command('update').description('change a model').addCommand(updateModelCommand(context)))
    .addCommand(
      new Command('delete')
        .description('delete a key, model or serial policy')
        .addCommand(deleteKeyCommand(context))
        .addCommand(deleteModelCommand(context))
        .addCommand(deleteSerialPolicyCommand(context)),
    )
    .addCommand(new Command('revoke').description('revoke a token').addCommand(revokeTokenCommand(context)));
  return program;
}
