import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Readable } from 'node:stream';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';

import { createContext } from '../../src/cli/context.ts';
import { commandReference } from '../../src/cli/reference.ts';

const FILE = fileURLToPath(new URL('../../docs/reference/commands.md', import.meta.url));

test('the reference is that of the commands (AIRLOCK_WRITE_REFERENCE=1 writes it anew)', async () => {
  const output = { write: () => true };
  const terminal = { stdin: Readable.from([]), stdout: output, stderr: output, env: {} };
  const context = createContext(terminal, 'airlock', new AbortController().signal);
  const style = await resolveConfig(FILE);
  const reference = await format(await commandReference(context), { ...style, parser: 'markdown' });
  if (process.env['AIRLOCK_WRITE_REFERENCE'] === '1') await writeFile(FILE, reference);
  expect(await readFile(FILE, 'utf8')).toBe(reference);
});
