import { Command } from '@commander-js/extra-typings';
import { describe, expect, it } from 'vitest';
import { takeKeyIds } from '../../src/cli/key-ids.ts';

const key = `-${'K'.repeat(63)}`;
const other = `--${'q'.repeat(62)}`;

/** What a command line comes down to in a command of a group that takes keys. */
async function parsed(...args: string[]): Promise<unknown> {
  let found: unknown;
  const command = new Command('use')
    .argument('<keys...>')
    .option('--signing-key <sha3-384>')
    .option('--json')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .action((keys, options) => {
      found = { keys, ...options };
    });
  const program = new Command('program').exitOverride().configureOutput({ writeErr: () => undefined });
  program.option('--data <folder>').addCommand(command);
  takeKeyIds(program);
  await program.parseAsync(args, { from: 'user' });
  return found;
}

describe('ids of keys that begin with a hyphen', () => {
  it('are arguments, in their order, wherever they stand', async () => {
    expect(await parsed('use', key, 'plain', other)).toEqual({ keys: [key, 'plain', other] });
    expect(await parsed('use', '--json', key)).toEqual({ keys: [key], json: true });
    expect(await parsed('--data', 'folder', 'use', 'plain', '--json', key)).toEqual({
      keys: ['plain', key],
      json: true,
    });
  });

  it('are values of options', async () => {
    expect(await parsed('use', '--signing-key', key, other)).toEqual({ keys: [other], signingKey: key });
    expect(await parsed('use', `--signing-key=${key}`, other)).toEqual({ keys: [other], signingKey: key });
  });

  it('leave options that nobody knows refused', async () => {
    await expect(parsed('use', key, '--jsno')).rejects.toThrow(/unknown option '--jsno'/);
    await expect(parsed('use', key.slice(0, -1))).rejects.toThrow(/unknown option/);
  });
});
