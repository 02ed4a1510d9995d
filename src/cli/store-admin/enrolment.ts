import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { printList } from '../lists.ts';
import { usageError } from '../errors.ts';
import { readDocument } from '../files.ts';
import { print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';
import { allItems } from './pages.ts';

const policySchema = z.record(z.string(), z.unknown());
const claimsSchema = z.looseObject({
  claims: z.array(z.looseObject({ serial: z.string(), 'claim-code': z.string() })),
});
const requestSchema = z.looseObject({
  'device-key-sha3-384': z.string(),
  'proposed-serial': z.string().nullable(),
  'source-address': z.string().nullable(),
  'first-seen-at': z.string(),
});

/** `store-admin show enrolment MODEL`: who may enrol as a device of the model. */
export function showEnrolmentCommand(context: CliContext) {
  return new Command('enrolment')
    .description("print a model's enrolment policy as JSON")
    .argument('<model>', 'name of the model')
    .option('--json', 'print it as JSON, as without this option')
    .action(async (model) => {
      const gateway = await brandGateway(context);
      printJson(
        context.terminal,
        await gateway.client.request(gateway.path('model', model, 'enrolment'), policySchema),
      );
    });
}

/** `store-admin update enrolment MODEL FILE`. */
export function updateEnrolmentCommand(context: CliContext) {
  return new Command('enrolment')
    .description("set a model's enrolment policy")
    .argument('<model>', 'name of the model')
    .argument('<file>', 'the policy as JSON, as "show enrolment" prints it; - for standard input')
    .action(async (model, file) => {
      const gateway = await brandGateway(context);
      const policy = parsePolicy(await readDocument(context, file), file);
      await gateway.client.perform(gateway.path('model', model, 'enrolment'), {
        method: 'PUT',
        json: policy,
      });
      print(context.terminal, `Enrolment policy of model '${model}' updated.`);
    });
}

/** `store-admin create claims MODEL SERIAL…`: codes that let one device each enrol. */
export function createClaimsCommand(context: CliContext) {
  return new Command('claims')
    .description('derive the one-use claim codes of serials, to be given to their devices')
    .argument('<model>', 'name of the model')
    .argument('<serials...>', 'serial numbers')
    .option('--json', 'print them as JSON')
    .action(async (model, serials, options) => {
      const gateway = await brandGateway(context);
      const path = gateway.path('model', model, 'claims');
      const { claims } = await gateway.client.request(path, claimsSchema, {
        method: 'POST',
        json: { serials },
      });
      const cells = (claim: (typeof claims)[number]) => [claim.serial, claim['claim-code']];
      printList(context, { columns: ['Serial', 'Claim code'], items: claims, cells }, options.json);
    });
}

/** `store-admin list approvals MODEL`: devices that wait for a yes. */
export function listApprovalsCommand(context: CliContext) {
  return new Command('approvals')
    .description('list the devices that wait for approval')
    .argument('<model>', 'name of the model')
    .option('--json', 'print them as JSON')
    .action(async (model, options) => {
      const gateway = await brandGateway(context);
      const items = await allItems(gateway, gateway.path('model', model, 'approvals'), requestSchema);
      const columns = ['Device key (SHA3-384)', 'Serial', 'Address', 'First seen at'];
      const cells = (item: (typeof items)[number]) => [
        item['device-key-sha3-384'],
        item['proposed-serial'],
        item['source-address'],
        item['first-seen-at'],
      ];
      printList(context, { columns, items, cells }, options.json);
    });
}

/** `store-admin approve MODEL KEY…` and `refuse MODEL KEY…`: a device learns it when it asks again. */
export function decideCommand(context: CliContext, decision: 'approve' | 'refuse') {
  return new Command(decision)
    .description(decision === 'approve' ? 'let waiting devices enrol' : 'turn waiting devices away')
    .argument('<model>', 'name of the model')
    .argument('<device-keys...>', 'SHA3-384 of the device keys, as "list approvals" shows them')
    .action(async (model, deviceKeys) => {
      const gateway = await brandGateway(context);
      const json = { 'device-keys': deviceKeys, decision };
      await gateway.client.perform(gateway.path('model', model, 'approvals'), { method: 'POST', json });
      print(
        context.terminal,
        `Devices ${decision === 'approve' ? 'approved' : 'refused'}: ${deviceKeys.length}.`,
      );
    });
}

function parsePolicy(text: string, file: string): z.infer<typeof policySchema> {
  try {
    return policySchema.parse(JSON.parse(text));
  } catch {
    throw usageError(`cannot read ${file}: a JSON object as "show enrolment" prints it is needed`);
  }
}
