import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { print, printJson } from '../terminal.ts';
import { brandGateway, modelSchema } from './gateway.ts';

/** The documented question, to the letter (seed 001). */
const API_KEY_QUESTION = 'API key (alphanumeric, `pwgen 40` for options): ';

/** `store-admin create model NAME`: lets the store issue serials for a model. */
export function createModelCommand(context: CliContext) {
  return new Command('model')
    .description('add a model whose devices get their serials here')
    .argument('<name>', 'name of the model, as in its model assertion')
    .option('--json', 'print the model as JSON')
    .action((name, options) => createModel(context, name, options.json ?? false));
}

async function createModel(context: CliContext, name: string, json: boolean): Promise<void> {
  const gateway = await brandGateway(context);
  const apiKey = await context.prompts.askRequired(API_KEY_QUESTION);
  const model = await gateway.client.request(gateway.path('model'), modelSchema, {
    method: 'POST',
    json: { name, series: '16', 'api-key': apiKey },
  });
  if (json) printJson(context.terminal, { ...model, 'api-key': undefined });
  else print(context.terminal, `Model '${model.name}' created.`);
}
