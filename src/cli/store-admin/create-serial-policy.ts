import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { ACCEPT_WIDER } from '../key-bounds.ts';
import { print, printJson } from '../terminal.ts';
import { brandGateway, serialPolicySchema } from './gateway.ts';

/** `store-admin create serial-policy`: says which key signs the serials of a model. */
export function createSerialPolicyCommand(context: CliContext) {
  return new Command('serial-policy')
    .description('choose the key that signs the serials of a model; the newest policy is in force')
    .option('--model <name>', 'the model, instead of being asked')
    .option('--signing-key <sha3-384>', 'the key, instead of being asked')
    .option(...ACCEPT_WIDER)
    .option('--json', 'print the policy as JSON')
    .action((options) => createSerialPolicy(context, options));
}

async function createSerialPolicy(
  context: CliContext,
  options: {
    model?: string | undefined;
    signingKey?: string | undefined;
    acceptWider?: true | undefined;
    json?: true | undefined;
  },
): Promise<void> {
  const gateway = await brandGateway(context);
  const { prompts, terminal } = context;
  const model = options.model ?? (await prompts.askRequired('Model to attach the serial signing policy: '));
  const key = options.signingKey ?? (await prompts.askRequired('Signing key to use (SHA3-384): '));
  const policy = await gateway.client.request(
    gateway.path('model', model, 'serial_policy'),
    serialPolicySchema,
    {
      method: 'POST',
      json: { 'signing-key-sha3-384': key, ...(options.acceptWider && { 'accept-wider': true }) },
    },
  );
  if (options.json) printJson(terminal, policy);
  else
    print(
      terminal,
      `Model '${model}' configured to sign serials with key '${policy['signing-key-sha3-384']}'.`,
    );
}
