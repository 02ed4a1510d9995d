import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failureOf } from '../../src/cli/errors.ts';
import { save } from '../../src/cli/files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a file is there whole, or not at all', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'one');
  await save(file, 'first', 0o600);
  await save(file, 'second', 0o600);
  expect(await readFile(file, 'utf8')).toBe('second');
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  const taken = join(folder, 'taken');
  await mkdir(taken);
  await expect(save(taken, 'third')).rejects.toMatchObject({ code: 'file-unwritable', kind: 'invalid' });
  expect((await readdir(folder)).toSorted()).toEqual(['one', 'taken']);
});

test('a link stays, and what it leads to is written', async () => {
  const folder = await temporaryFolder();
  const [target, link] = [join(folder, 'target'), join(folder, 'link')];
  await writeFile(target, 'before');
  await symlink(target, link);
  await save(link, 'after');
  expect(await readFile(target, 'utf8')).toBe('after');
});

test('a full disk is said to be full', async () => {
  const failure = await save('/dev/full', 'text').catch(failureOf);
  expect(failure).toEqual({
    exitCode: 8,
    code: 'file-unwritable',
    sentence: 'cannot write /dev/full: the disk is full; make room and repeat',
  });
});
