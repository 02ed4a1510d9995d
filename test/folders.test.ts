import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../src/folders.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

test('a folder is made with those above it, also when it is there already or made twice at once', async () => {
  const folder = join(await temporaryFolder(), 'a', 'b', 'c');
  await Promise.all([makeFolder(folder), makeFolder(folder)]);
  await makeFolder(folder);
  expect((await stat(folder)).isDirectory()).toBe(true);
});

test('each folder that is made has the mode that was asked for', async () => {
  const above = join(await temporaryFolder(), 'a');
  await makeFolder(join(above, 'b'), 0o700);
  expect((await stat(above)).mode & 0o777).toBe(0o700);
  expect((await stat(join(above, 'b'))).mode & 0o777).toBe(0o700);
});

test('where no folder can be made, that is said instead of being tried for ever', async () => {
  await expect(makeFolder('/proc/nope/deeper')).rejects.toThrow('ENOENT');
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  await expect(makeFolder(file)).rejects.toThrow('is no folder');
  await expect(makeFolder(join(file, 'below'))).rejects.toThrow('ENOTDIR');
});
