import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { print } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

/** `store-admin update model NAME`: gives a model another API key. */
export function updateModelCommand(context: CliContext) {
  return new Command('model')
    .description("change a model's API key")
    .argument('<name>', 'name of the model')
    .action(async (name) => {
      const gateway = await brandGateway(context);
      const apiKey = await context.prompts.askRequired('API key (alphanumeric, `pwgen 40` for options): ');
      await gateway.client.perform(gateway.path('model', name), {
        method: 'PATCH',
        json: { 'api-key': apiKey },
      });
      print(context.terminal, `Model '${name}' updated.`);
    });
}
