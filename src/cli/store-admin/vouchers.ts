import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { printList } from '../lists.ts';
import { readDocument } from '../files.ts';
import { print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';
import { allItems } from './pages.ts';

const importedSchema = z.looseObject({ added: z.number(), unchanged: z.number() });
const voucherSchema = z.looseObject({
  'hardware-name': z.string(),
  'hardware-id-key-sha3-384': z.string(),
  'used-by-device-key-sha3-384': z.string().nullable(),
});

/** `store-admin import vouchers FILE`: the hardware that the brand accepts. */
export function importVouchersCommand(context: CliContext) {
  return new Command('vouchers')
    .description('import hardware-identity assertions, all or none')
    .argument('<file>', 'the assertions; - for standard input')
    .option('--json', 'print the result as JSON')
    .action(async (file, options) => {
      const gateway = await brandGateway(context);
      const result = await gateway.client.request(gateway.path('vouchers'), importedSchema, {
        method: 'POST',
        body: await readDocument(context, file),
        headers: { 'content-type': 'application/x.ubuntu.assertion' },
      });
      if (options.json) return printJson(context.terminal, result);
      print(context.terminal, `Vouchers imported: ${result.added}; known already: ${result.unchanged}.`);
    });
}

/** `store-admin list vouchers`. */
export function listVouchersCommand(context: CliContext) {
  return new Command('vouchers')
    .description('list the imported hardware identities')
    .option('--json', 'print them as JSON')
    .action(async (options) => {
      const gateway = await brandGateway(context);
      const items = await allItems(gateway, gateway.path('vouchers'), voucherSchema);
      const cells = (item: (typeof items)[number]) => [
        item['hardware-name'],
        item['hardware-id-key-sha3-384'],
        item['used-by-device-key-sha3-384'],
      ];
      const columns = ['Hardware', 'Key (SHA3-384)', 'Used by device key'];
      printList(context, { columns, items, cells }, options.json);
    });
}
