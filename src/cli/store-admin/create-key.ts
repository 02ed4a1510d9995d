import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { askedBounds, CONSTRAINT, repeated, UNTIL } from '../key-bounds.ts';
import { withSeconds } from '../progress.ts';
import { note, print, printJson } from '../terminal.ts';
import { brandGateway, signingKeySchema } from './gateway.ts';

/** `store-admin create key NAME`: makes a signing key on the store's HSM. */
export function createKeyCommand(context: CliContext) {
  return new Command('key')
    .description("create a key on the store's HSM for signing serials")
    .argument('<name>', 'name of the new key: lower-case letters, digits and hyphens')
    .option(
      '--token <name>',
      'HSM token to make it on, by its name in the settings; the default token when absent',
    )
    .option(...UNTIL)
    .option(...CONSTRAINT, repeated)
    .option('--json', 'print the key as JSON')
    .action((name, options) => createKey(context, name, options));
}

async function createKey(
  context: CliContext,
  name: string,
  options: {
    readonly token?: string | undefined;
    readonly until?: string | undefined;
    readonly constraint?: readonly string[] | undefined;
    readonly json?: boolean | undefined;
  },
): Promise<void> {
  const { terminal } = context;
  const { token, json = false } = options;
  const bounds = askedBounds(options);
  const gateway = await brandGateway(context);
  const waiting = "Generating a signing keypair on the proxy's HSM. This may take some time.";
  if (json) note(terminal, waiting);
  else print(terminal, waiting);
  const made = gateway.client.request(gateway.path('signing_key'), signingKeySchema, {
    method: 'POST',
    json: { name, ...(token !== undefined && { token }), ...bounds },
  });
  const key = await withSeconds(context, made);
  if (json) printJson(terminal, key);
  else print(terminal, `Signing key '${key.name}' created.`);
}
