import { rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { VerifiedFiles } from '../../../src/activities/fetches/verified-files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

let path: string;
let files: VerifiedFiles;
beforeEach(async () => {
  path = join(await temporaryFolder(), 'snap');
  await writeFile(path, 'bytes');
  files = new VerifiedFiles();
});

describe('a file that was verified', () => {
  test('is known as long as nobody touches it', async () => {
    expect(await files.has(path)).toBe(false);
    await files.add(path);
    expect(await files.has(path)).toBe(true);
    expect(await new VerifiedFiles().has(path)).toBe(false);
  });

  test('is not known any more once it was written to, even with its times put back', async () => {
    await files.add(path);
    await writeFile(path, 'other');
    await utimes(path, new Date(0), new Date(0));
    expect(await files.has(path)).toBe(false);
  });

  test('is not known any more once another took its place', async () => {
    await files.add(path);
    await writeFile(`${path}.new`, 'bytes');
    await rename(`${path}.new`, path);
    expect(await files.has(path)).toBe(false);
  });
});
