import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { normalSetting } from '../../config/index.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { operatorClient } from '../operator.ts';
import { print } from '../terminal.ts';
import { settingValue } from './setting-value.ts';

const KEY = 'proxy.admin-emails';
const list = z.array(z.string());

/** `add-admin EMAIL`: lets a user of the single-sign-on server set overrides over HTTP (protocol/operators.md, section 1.5). */
export function addAdminCommand(context: CliContext) {
  return new Command('add-admin')
    .description('let a user of the single-sign-on server set overrides by the HTTP interface')
    .argument('<email>', "the user's e-mail address there")
    .action(async (email) => {
      requireMailAddress(email);
      const client = await operatorClient(context);
      const value = await settingValue(client, KEY);
      const present = value === 'None' ? [] : list.parse(JSON.parse(value));
      if (!present.some((one) => one.toLowerCase() === email.toLowerCase())) {
        const set = { [KEY]: JSON.stringify([...present, email]) };
        await client.perform('/ops/v1/config', { method: 'PATCH', json: { set, unset: [] } });
      }
      print(context.terminal, `${email} may set overrides.`);
    });
}

/** By the rule of the setting, so that what one command takes the other does too. */
function requireMailAddress(email: string): void {
  try {
    normalSetting(KEY, JSON.stringify([email]));
  } catch (cause) {
    const sentence = `cannot add "${email.slice(0, 100)}": write an e-mail address such as admin@brand.example`;
    throw new CliError('invalid', 'usage', sentence, { cause });
  }
}
