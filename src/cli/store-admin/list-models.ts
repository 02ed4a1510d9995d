import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { tableLines } from '../tables.ts';
import { print, printJson } from '../terminal.ts';
import { brandGateway, modelSchema, serialPolicySchema } from './gateway.ts';

/** The name is null where the key is not one of the store's. */
const inForceSchema = serialPolicySchema.extend({ 'signing-key-name': z.string().nullable() });

/** `store-admin list models`: the brand's models, each with the name of the key that signs its serials now. */
export function listModelsCommand(context: CliContext) {
  return new Command('models')
    .description("list the brand's models")
    .option('--json', 'print the models as JSON')
    .action((options) => listModels(context, options.json ?? false));
}

async function listModels(context: CliContext, json: boolean): Promise<void> {
  const gateway = await brandGateway(context);
  const models = await gateway.client.request(gateway.path('model'), z.array(modelSchema));
  const policies = await gateway.client.request(gateway.path('serial_policy'), z.array(inForceSchema));
  const policyOf = new Map(policies.map((policy) => [policy['model-name'], policy]));
  if (json) {
    const activeKey = (model: string) => policyOf.get(model)?.['signing-key-sha3-384'] ?? null;
    return printJson(
      context.terminal,
      models.map((model) => ({ ...model, 'active-signing-key-sha3-384': activeKey(model.name) })),
    );
  }
  const cells = models.map((model) => {
    const policy = policyOf.get(model.name);
    const keyName = policy?.['signing-key-name'] ?? policy?.['signing-key-sha3-384'];
    return [model.name, model['api-key'] ?? '', keyName ?? ''];
  });
  for (const line of tableLines(['Name', 'API key', 'Active serial signing key'], cells))
    print(context.terminal, line);
}
