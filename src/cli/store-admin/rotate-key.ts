import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { save } from '../files.ts';
import { ACCEPT_WIDER, askedBounds, CONSTRAINT, repeated, UNTIL } from '../key-bounds.ts';
import { withSeconds } from '../progress.ts';
import { note, print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

const rotatedSchema = z.looseObject({
  models: z.array(z.string()),
  'old-key-until': z.string().nullable().default(null),
});

const replacedSchema = rotatedSchema.extend({
  state: z.enum(['awaiting-account-key', 'rotated']),
  name: z.string(),
  'new-signing-key-sha3-384': z.string(),
  'account-key-request': z.string().nullable(),
});

interface RotateOptions {
  readonly name?: string | undefined;
  readonly token?: string | undefined;
  readonly requestOut?: string | undefined;
  readonly until?: string | undefined;
  readonly constraint?: readonly string[] | undefined;
  readonly acceptWider?: true | undefined;
  readonly json?: true | undefined;
}

/**
 * `store-admin rotate-key OLD NEW`: every model that signs with one key signs with another, in one step. With `--name` in place of NEW that
 * key is made and registered first; the command may be repeated at any time, and goes on where it was.
 */
export function rotateKeyCommand(context: CliContext) {
  return new Command('rotate-key')
    .description('give every model that signs with one key a serial policy with another, new or ready')
    .argument('<old-sha3-384>', 'the key in use')
    .argument('[new-sha3-384]', 'the key to use from now on, where it is ready')
    .option('--name <name>', 'make the new key under this name, and have it registered')
    .option('--token <name>', 'HSM token to make it on; that of the old key when absent')
    .option('--request-out <file>', 'write its account-key-request here, to be carried to the outside store')
    .option(...UNTIL)
    .option(...CONSTRAINT, repeated)
    .option(...ACCEPT_WIDER)
    .option('--json', 'print the result as JSON')
    .action((oldKey, newKey, options) => {
      if (newKey !== undefined) return rotate(context, oldKey, newKey, options);
      const { name } = options;
      if (name === undefined)
        throw usageError(
          'cannot rotate the key: name the new one by its SHA3-384, or by --name to have it made',
        );
      return replace(context, oldKey, { ...options, name });
    });
}

async function rotate(
  context: CliContext,
  oldKey: string,
  newKey: string,
  options: RotateOptions,
): Promise<void> {
  const { name, token, requestOut, until, constraint } = options;
  if ([name, token, requestOut, until, constraint].some((option) => option !== undefined))
    throw usageError(
      'cannot rotate the key: --name, --token, --request-out, --until and --constraint are for a key to be made; leave them out, or its SHA3-384',
    );
  const gateway = await brandGateway(context);
  const json = {
    'new-signing-key-sha3-384': newKey,
    ...(options.acceptWider && { 'accept-wider': true }),
  };
  const path = gateway.path('signing_key', oldKey, 'rotate');
  const rotated = await gateway.client.request(path, rotatedSchema, { method: 'POST', json });
  if (options.json) return printJson(context.terminal, rotated);
  tellRotated(context, { oldKey, newKey, ...rotated });
}

async function replace(
  context: CliContext,
  oldKey: string,
  options: RotateOptions & { readonly name: string },
): Promise<void> {
  const { terminal } = context;
  const { name, token, requestOut } = options;
  const bounds = askedBounds(options);
  const gateway = await brandGateway(context);
  const waiting = "Generating a signing keypair on the proxy's HSM. This may take some time.";
  if (options.json) note(terminal, waiting);
  else print(terminal, waiting);
  const done = gateway.client.request(gateway.path('signing_key', oldKey, 'replace'), replacedSchema, {
    method: 'POST',
    json: {
      name,
      deliver: requestOut === undefined ? 'upstream' : 'file',
      ...(token !== undefined && { token }),
      ...bounds,
      ...(options.acceptWider && { 'accept-wider': true }),
    },
  });
  const replaced = await withSeconds(context, done);
  const { 'account-key-request': request, 'new-signing-key-sha3-384': newKey } = replaced;
  if (requestOut !== undefined && request !== null) await save(requestOut, request);
  if (options.json) return printJson(terminal, replaced);
  print(terminal, `Signing key '${replaced.name}' created: ${newKey}`);
  if (replaced.state === 'rotated') return tellRotated(context, { oldKey, newKey, ...replaced });
  if (requestOut === undefined) print(terminal, `Key ${newKey} registered.`);
  else print(terminal, `Account key request exported to: ${requestOut}`);
  const how =
    requestOut === undefined
      ? 'Fetch its account-key'
      : 'Carry the request to the outside store, register it there, take the account-key that it gives';
  note(
    terminal,
    `${how}, and push it with push-account-keys: then the models change over by themselves. The same command again says how far it is.`,
  );
}

function tellRotated(
  { terminal }: CliContext,
  of: z.infer<typeof rotatedSchema> & { readonly oldKey: string; readonly newKey: string },
): void {
  const { models, 'old-key-until': until, oldKey, newKey } = of;
  for (const model of models)
    print(terminal, `Model '${model}' configured to sign serials with key '${newKey}'.`);
  if (models.length === 0) return print(terminal, 'No model signs with that key.');
  const end = until === null ? '' : `, also when its account-key has ended (${until})`;
  note(terminal, `Key ${oldKey} is kept until it is deleted; the serials that it signed stay good${end}.`);
}
