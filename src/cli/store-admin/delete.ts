import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { print } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

/** `store-admin delete key SHA3-384`: removes a key from the HSM, unless a serial policy uses it or it has signed serials. */
export function deleteKeyCommand(context: CliContext) {
  return new Command('key')
    .description('delete a signing key that no serial policy uses')
    .argument('<sha3-384>', 'the key, as "list keys" shows it')
    .option(
      '--has-signed',
      'also a key that has signed serials; they stay good, and nothing is signed with it again',
    )
    .option(
      '--before-until',
      'also a key that was in a serial policy and whose account-key has not ended yet',
    )
    .action(async (key, { hasSigned, beforeUntil }) => {
      const gateway = await brandGateway(context);
      const query = new URLSearchParams({
        ...(hasSigned && { 'has-signed': 'true' }),
        ...(beforeUntil && { 'before-until': 'true' }),
      }).toString();
      const path = gateway.path('signing_key', key);
      await gateway.client.perform(query === '' ? path : `${path}?${query}`, { method: 'DELETE' });
      print(context.terminal, `Signing key '${key}' deleted.`);
    });
}

/** `store-admin delete model NAME`: stops issuing serials for a model. */
export function deleteModelCommand(context: CliContext) {
  return new Command('model')
    .description('delete a model; serials that it issued stay valid')
    .argument('<name>', 'name of the model')
    .action(async (name) => {
      await remove(context, 'model', name);
      print(context.terminal, `Model '${name}' deleted.`);
    });
}

/** `store-admin delete serial-policy MODEL REVISION`: the policy before it is in force again. */
export function deleteSerialPolicyCommand(context: CliContext) {
  return new Command('serial-policy')
    .description('delete one serial policy of a model')
    .argument('<model>', 'name of the model')
    .argument('<revision>', 'revision of the policy')
    .action(async (model, revision) => {
      await remove(context, 'model', model, 'serial_policy', revision);
      print(context.terminal, `Serial policy ${revision} of model '${model}' deleted.`);
    });
}

async function remove(context: CliContext, ...parts: string[]): Promise<void> {
  const gateway = await brandGateway(context);
  await gateway.client.perform(gateway.path(...parts), { method: 'DELETE' });
}
