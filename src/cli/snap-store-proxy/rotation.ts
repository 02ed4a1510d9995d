import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';
import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { operatorClient } from '../operator.ts';
import { note, print, printJson } from '../terminal.ts';

const deviceSecret = z.looseObject({ until: z.string() });
const masterKey = z.looseObject({ keyId: z.string(), resealed: z.number() });

/** `rotate-device-secret`: a new `proxy.device-auth.secret`; devices open new sessions by themselves. */
export function rotateDeviceSecretCommand(context: CliContext) {
  return new Command('rotate-device-secret')
    .description('make a new proxy.device-auth.secret; sessions under the old one stay good for a while')
    .option('--grace <hours>', 'how long; 0 ends all sessions at once, as after a theft', '24')
    .option('--json', 'print the result as JSON')
    .action(async ({ grace, json: asJson }) => {
      if (!/^\d{1,4}(\.\d{1,3})?$/.test(grace))
        throw usageError(`cannot use --grace ${grace.slice(0, 20)}: it is a number of hours`);
      const client = await operatorClient(context);
      const json = { graceHours: Number(grace) };
      const path = '/ops/v1/rotations/device-secret';
      const rotated = await client.request(path, deviceSecret, { method: 'POST', json });
      if (asJson) printJson(context.terminal, rotated);
      else
        print(
          context.terminal,
          Number(grace) === 0
            ? 'A new secret is in force; all sessions under the old one have ended.'
            : `A new secret is in force; sessions under the old one are good until ${rotated.until}.`,
        );
      note(context.terminal, 'Make a backup: the old ones hold the old secret.');
    });
}

/** `rotate-master-key`: a new key for the secrets at rest, and all of them sealed anew. */
export function rotateMasterKeyCommand(context: CliContext) {
  return new Command('rotate-master-key')
    .description('make a new master key and seal all secrets of the database anew')
    .option('--json', 'print the result as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      const path = '/ops/v1/rotations/master-key';
      const rotated = await client.request(path, masterKey, { method: 'POST', json: {} });
      const { keyId, resealed } = rotated;
      if (options.json) printJson(context.terminal, rotated);
      else print(context.terminal, `Master key ${keyId} is in force; ${resealed} secrets were sealed anew.`);
      note(
        context.terminal,
        'The old key stays in the file for what older workflows and backups hold. Make a backup; restart workers on their own.',
      );
    });
}
