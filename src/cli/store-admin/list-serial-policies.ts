import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { printList } from '../lists.ts';
import type { CliContext } from '../context.ts';
import { brandGateway, serialPolicySchema } from './gateway.ts';

/** `store-admin list serial-policies MODEL`: every policy of a model, the one in force first. */
export function listSerialPoliciesCommand(context: CliContext) {
  return new Command('serial-policies')
    .description("list a model's serial policies, the one in force first")
    .argument('<model>', 'name of the model')
    .option('--json', 'print the policies as JSON')
    .action((model, options) => listSerialPolicies(context, model, options.json ?? false));
}

async function listSerialPolicies(context: CliContext, model: string, json: boolean): Promise<void> {
  const gateway = await brandGateway(context);
  const path = gateway.path('model', model, 'serial_policy');
  const policies = await gateway.client.request(path, z.array(serialPolicySchema));
  const sorted = policies.toSorted((a, b) => b.revision - a.revision);
  const columns = ['Revision', 'Signing key (SHA3-384)'];
  const cells = (policy: (typeof sorted)[number]) => [
    String(policy.revision),
    policy['signing-key-sha3-384'],
  ];
  printList(context, { columns, items: sorted, cells }, json);
}
