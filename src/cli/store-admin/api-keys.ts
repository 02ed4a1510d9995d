import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { printList } from '../lists.ts';
import { note, print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

const createdSchema = z.looseObject({ name: z.string(), 'api-key': z.string() });
const keySchema = z.looseObject({
  name: z.string(),
  'created-at': z.string(),
  'valid-until': z.string().nullable(),
  'last-used-at': z.string().nullable(),
  blocked: z.boolean(),
});

/** `store-admin create api-key MODEL NAME`: one more API key, told this once, so that keys can follow each other. */
export function createApiKeyCommand(context: CliContext) {
  return new Command('api-key')
    .description('add a named API key to a model; it is told once')
    .argument('<model>', 'name of the model')
    .argument('<name>', 'name of the new API key')
    .option('--valid-until <time>', 'when it ends (ISO 8601)')
    .option('--json', 'print the API key as JSON')
    .action(async (model, name, options) => {
      const gateway = await brandGateway(context);
      const created = await gateway.client.request(gateway.path('model', model, 'api-keys'), createdSchema, {
        method: 'POST',
        json: { name, 'valid-until': options.validUntil },
      });
      if (options.json) return printJson(context.terminal, created);
      note(context.terminal, `API key '${name}' of model '${model}' created. It is shown this once.`);
      print(context.terminal, created['api-key']);
    });
}

/** `store-admin list api-keys MODEL`. */
export function listApiKeysCommand(context: CliContext) {
  return new Command('api-keys')
    .description("list a model's API keys; the keys themselves are not shown")
    .argument('<model>', 'name of the model')
    .option('--json', 'print them as JSON')
    .action(async (model, options) => {
      const gateway = await brandGateway(context);
      const items = await gateway.client.request(
        gateway.path('model', model, 'api-keys'),
        z.array(keySchema),
      );
      const columns = ['Name', 'Created at', 'Valid until', 'Last used at', 'Blocked'];
      const cells = (key: (typeof items)[number]) => [
        key.name,
        key['created-at'],
        key['valid-until'],
        key['last-used-at'],
        key.blocked ? 'yes' : '',
      ];
      printList(context, { columns, items, cells }, options.json);
    });
}

/** `store-admin delete api-key MODEL NAME`: refused from the next request on. */
export function deleteApiKeyCommand(context: CliContext) {
  return new Command('api-key')
    .description('revoke an API key of a model')
    .argument('<model>', 'name of the model')
    .argument('<name>', 'name of the API key')
    .action(async (model, name) => {
      const gateway = await brandGateway(context);
      await gateway.client.perform(gateway.path('model', model, 'api-keys', name), { method: 'DELETE' });
      print(context.terminal, `API key '${name}' of model '${model}' deleted.`);
    });
}
