import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { printList } from '../lists.ts';
import { print } from '../terminal.ts';
import { brandGateway, type BrandGateway } from './gateway.ts';

const lineSchema = z.looseObject({
  'from-model': z.string(),
  'to-model': z.string(),
  'from-serial': z.string().nullable(),
  description: z.string(),
});
const listSchema = z.looseObject({ allowlist: z.array(lineSchema), 'next-cursor': z.string().nullable() });

/** `store-admin create remodel FROM TO`: lets devices of one model become another. */
export function createRemodelCommand(context: CliContext) {
  return new Command('remodel')
    .description('allow devices of one model to become another')
    .argument('<from-model>', 'the model that they are')
    .argument('<to-model>', 'the model that they may become')
    .option('--serial <serial>', 'only this device')
    .option('--description <text>', 'what it is for', '')
    .action(async (from, to, options) => {
      const gateway = await brandGateway(context);
      const line = { ...lineOf(from, to, options.serial), description: options.description };
      await gateway.client.perform(gateway.path('remodel-allowlist'), {
        method: 'POST',
        json: { allowlist: [line] },
      });
      print(context.terminal, `Remodelling from '${from}' to '${to}' allowed.`);
    });
}

/** `store-admin delete remodel FROM TO`. */
export function deleteRemodelCommand(context: CliContext) {
  return new Command('remodel')
    .description('stop allowing it')
    .argument('<from-model>', 'the model that they are')
    .argument('<to-model>', 'the model that they might become')
    .option('--serial <serial>', 'only this device')
    .action(async (from, to, options) => {
      const gateway = await brandGateway(context);
      const json = { allowlist: [lineOf(from, to, options.serial)] };
      await gateway.client.perform(gateway.path('remodel-allowlist', 'delete'), { method: 'POST', json });
      print(context.terminal, `Remodelling from '${from}' to '${to}' no longer allowed.`);
    });
}

/** `store-admin list remodels`. */
export function listRemodelsCommand(context: CliContext) {
  return new Command('remodels')
    .description('list the allowed remodellings')
    .option('--json', 'print them as JSON')
    .action(async (options) => {
      const items = await allLines(await brandGateway(context));
      const cells = (line: (typeof items)[number]) => [
        line['from-model'],
        line['to-model'],
        line['from-serial'] ?? 'all',
        line.description,
      ];
      printList(context, { columns: ['From', 'To', 'Serial', 'Description'], items, cells }, options.json);
    });
}

async function allLines(gateway: BrandGateway): Promise<z.infer<typeof lineSchema>[]> {
  const lines: z.infer<typeof lineSchema>[] = [];
  const query = new URLSearchParams({ 'page-size': '500' });
  for (;;) {
    const path = `${gateway.path('remodel-allowlist')}?${query.toString()}`;
    const page = await gateway.client.request(path, listSchema);
    lines.push(...page.allowlist);
    if (page['next-cursor'] === null) return lines;
    query.set('cursor', page['next-cursor']);
  }
}

function lineOf(from: string, to: string, serial: string | undefined) {
  return { 'from-model': from, 'to-model': to, 'from-serial': serial ?? null };
}
