import { Command } from '@commander-js/extra-typings';

import { operatorProgram } from '../connection-options.ts';
import type { CliContext } from '../context.ts';
import { allowListCommand } from './allow-list.ts';
import { createApiKeyCommand, deleteApiKeyCommand, listApiKeysCommand } from './api-keys.ts';
import { blockCommand, listBlocksCommand, unblockCommand } from './blocks.ts';
import { createKeyCommand } from './create-key.ts';
import { createModelCommand } from './create-model.ts';
import { createSerialPolicyCommand } from './create-serial-policy.ts';
import { deleteKeyCommand, deleteModelCommand, deleteSerialPolicyCommand } from './delete.ts';
import {
  createClaimsCommand,
  decideCommand,
  listApprovalsCommand,
  showEnrolmentCommand,
  updateEnrolmentCommand,
} from './enrolment.ts';
import { exportTokenCommand } from './export-token.ts';
import { exportSnapsCommand, exportStoreCommand } from './export.ts';
import { listKeysCommand } from './list-keys.ts';
import { listModelsCommand } from './list-models.ts';
import { listSerialPoliciesCommand } from './list-serial-policies.ts';
import { listSerialHistoryCommand } from './list-serial-history.ts';
import { listSerialsCommand } from './list-serials.ts';
import { loginCommand } from './login.ts';
import { rotateSecretCommand, showSecretCommand } from './model-secrets.ts';
import { registerKeyCommand } from './register-key.ts';
import { createRemodelCommand, deleteRemodelCommand, listRemodelsCommand } from './remodels.ts';
import {
  createReplacementCommand,
  deleteReplacementCommand,
  listReplacementsCommand,
} from './replacements.ts';
import { rotateKeyCommand } from './rotate-key.ts';
import { importSerialVaultCommand } from './serial-vault.ts';
import { listTokensCommand, revokeTokenCommand } from './tokens.ts';
import { updateModelCommand } from './update-model.ts';
import { importVouchersCommand, listVouchersCommand } from './vouchers.ts';
import { whoamiCommand } from './whoami.ts';

/** `store-admin`: what a brand's admin does, from any machine that reaches the store. */
export function storeAdminProgram(context: CliContext): Command {
  const program: Command = operatorProgram(context, 'store-admin')
    .description("manage a brand's models, signing keys, serial policies and exports")
    .addCommand(loginCommand(context))
    .addCommand(whoamiCommand(context))
    .addCommand(exportGroup(context))
    .addCommand(createGroup(context))
    .addCommand(listGroup(context))
    .addCommand(showGroup(context))
    .addCommand(updateGroup(context))
    .addCommand(deleteGroup(context))
    .addCommand(registerKeyCommand(context))
    .addCommand(rotateKeyCommand(context))
    .addCommand(rotateSecretCommand(context, 'claim'))
    .addCommand(rotateSecretCommand(context, 'webhook'))
    .addCommand(allowListCommand(context))
    .addCommand(decideCommand(context, 'approve'))
    .addCommand(decideCommand(context, 'refuse'))
    .addCommand(blockCommand(context))
    .addCommand(unblockCommand(context))
    .addCommand(importGroup(context))
    .addCommand(new Command('revoke').description('revoke a token').addCommand(revokeTokenCommand(context)));
  return program;
}

function showGroup(context: CliContext) {
  return new Command('show')
    .description('show one thing')
    .addCommand(showEnrolmentCommand(context))
    .addCommand(showSecretCommand(context, 'claim'))
    .addCommand(showSecretCommand(context, 'webhook'));
}

function importGroup(context: CliContext) {
  return new Command('import')
    .description('import vouchers, or what a Serial Vault knew')
    .addCommand(importVouchersCommand(context))
    .addCommand(importSerialVaultCommand(context));
}

function exportGroup(context: CliContext) {
  return new Command('export')
    .description('export a store or snaps')
    .addCommand(exportStoreCommand(context))
    .addCommand(exportSnapsCommand(context))
    .addCommand(exportTokenCommand(context));
}

function createGroup(context: CliContext) {
  return new Command('create')
    .description('create a key, model, serial policy or what devices need to enrol')
    .addCommand(createKeyCommand(context))
    .addCommand(createModelCommand(context))
    .addCommand(createSerialPolicyCommand(context))
    .addCommand(createApiKeyCommand(context))
    .addCommand(createClaimsCommand(context))
    .addCommand(createReplacementCommand(context))
    .addCommand(createRemodelCommand(context));
}

function listGroup(context: CliContext) {
  return new Command('list')
    .description('list keys, models, policies, serials, tokens and what goes with them')
    .addCommand(listKeysCommand(context))
    .addCommand(listModelsCommand(context))
    .addCommand(listSerialPoliciesCommand(context))
    .addCommand(listSerialsCommand(context))
    .addCommand(listSerialHistoryCommand(context))
    .addCommand(listApiKeysCommand(context))
    .addCommand(listApprovalsCommand(context))
    .addCommand(listReplacementsCommand(context))
    .addCommand(listRemodelsCommand(context))
    .addCommand(listVouchersCommand(context))
    .addCommand(listBlocksCommand(context))
    .addCommand(listTokensCommand(context));
}

function updateGroup(context: CliContext) {
  return new Command('update')
    .description('change a model or its enrolment policy')
    .addCommand(updateModelCommand(context))
    .addCommand(updateEnrolmentCommand(context));
}

function deleteGroup(context: CliContext) {
  return new Command('delete')
    .description('delete a key, model, serial policy, API key, remodelling or replacement')
    .addCommand(deleteKeyCommand(context))
    .addCommand(deleteModelCommand(context))
    .addCommand(deleteSerialPolicyCommand(context))
    .addCommand(deleteApiKeyCommand(context))
    .addCommand(deleteRemodelCommand(context))
    .addCommand(deleteReplacementCommand(context));
}
