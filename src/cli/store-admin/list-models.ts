import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { tableLines } from '../tables.ts';
import { print, printJson } from '../terminal.ts';
import {
  brandGateway,
  modelSchema,
  serialPolicySchema,
  signingKeySchema,
  type BrandGateway,
} from './gateway.ts';

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
  const keys = await gateway.client.request(gateway.path('signing_key'), z.array(signingKeySchema));
  const names = new Map(keys.map((key) => [key['sha3-384'], key.name]));
  const rows = await Promise.all(
    models.map(async (model) => {
      const active = await activeKey(gateway, model.name);
      return { model, active, keyName: active === undefined ? '' : (names.get(active) ?? active) };
    }),
  );
  if (json) {
    return printJson(
      context.terminal,
      rows.map(({ model, active }) => ({ ...model, 'active-signing-key-sha3-384': active ?? null })),
    );
  }
  const cells = rows.map(({ model, keyName }) => [model.name, model['api-key'] ?? '', keyName]);
  for (const line of tableLines(['Name', 'API key', 'Active serial signing key'], cells))
    print(context.terminal, line);
}

/** The key of the serial policy with the highest revision. */
async function activeKey(gateway: BrandGateway, model: string): Promise<string | undefined> {
  const path = gateway.path('model', model, 'serial_policy');
  const policies = await gateway.client.request(path, z.array(serialPolicySchema));
  return policies.toSorted((a, b) => b.revision - a.revision)[0]?.['signing-key-sha3-384'];
}
