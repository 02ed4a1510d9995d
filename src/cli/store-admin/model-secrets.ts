import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { note, print, printJson } from '../terminal.ts';
import { brandGateway } from './gateway.ts';

/** The secrets of a model, and what becomes of those who used the former one when it is rotated. */
const SECRETS = {
  claim: {
    is: "the secret that a model's claim codes are derived from",
    rotated:
      'Claim codes of the former secret are refused from now on; devices that have their serial keep it.',
  },
  webhook: {
    is: "the secret that signs the questions to a model's decision webhook",
    rotated:
      'Questions are signed with it from now on: give it to the decision service. Until then nothing is granted.',
  },
} as const;

const secretSchema = (kind: keyof typeof SECRETS) => z.looseObject({ [`${kind}-secret`]: z.string() });

/** `store-admin show claim-secret MODEL` and `show webhook-secret MODEL`: each time is in the log. */
export function showSecretCommand(context: CliContext, kind: keyof typeof SECRETS) {
  return new Command(`${kind}-secret`)
    .description(`print ${SECRETS[kind].is}; the log says so`)
    .argument('<model>', 'name of the model')
    .option('--json', 'print it as JSON')
    .action((model, { json }) => tell(context, { kind, model, path: [`${kind}-secret`], json }));
}

/** `store-admin rotate-claim-secret MODEL` and `rotate-webhook-secret MODEL`: another one, in force at once. */
export function rotateSecretCommand(context: CliContext, kind: keyof typeof SECRETS) {
  return new Command(`rotate-${kind}-secret`)
    .description(`make another one of ${SECRETS[kind].is}, in force at once, and print it`)
    .argument('<model>', 'name of the model')
    .option('--json', 'print it as JSON')
    .action(async (model, { json }) => {
      await tell(context, { kind, model, path: [`${kind}-secret`, 'rotate'], json });
      note(context.terminal, SECRETS[kind].rotated);
    });
}

async function tell(
  context: CliContext,
  of: {
    readonly kind: keyof typeof SECRETS;
    readonly model: string;
    readonly path: readonly string[];
    readonly json: true | undefined;
  },
): Promise<void> {
  const gateway = await brandGateway(context);
  const path = gateway.path('model', of.model, ...of.path);
  const answer = await gateway.client.request(path, secretSchema(of.kind), { method: 'POST', json: {} });
  if (of.json) printJson(context.terminal, answer);
  else print(context.terminal, String(answer[`${of.kind}-secret`]));
}
