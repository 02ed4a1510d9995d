import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-setup-'));
});
afterAll(() => rm(folder, { recursive: true }));

const started = async (source: string, ...args: string[]) => {
  const file = join(folder, 'program.ts');
  await writeFile(file, source);
  return run(process.execPath, ['scripts/run.mjs', file, ...args]);
};

describe('scripts/run.mjs', () => {
  test('runs TypeScript on a Node of at least 24, with its arguments, the Temporal CLI on PATH', async () => {
    const { stdout } = await started(
      `import { execFileSync } from 'node:child_process';
       const version: string = process.versions.node;
       const cli = execFileSync('temporal', ['--version']).toString();
       console.log(JSON.stringify({ major: Number(version.split('.')[0]), args: process.argv.slice(2), cli }));`,
      'a',
      'b c',
    );
    const told: unknown = JSON.parse(stdout);
    expect(told).toMatchObject({ args: ['a', 'b c'], cli: expect.stringContaining('temporal version') });
    expect(told).toHaveProperty(
      'major',
      expect.toSatisfy((major: number) => major >= 24),
    );
  });

  test('hands on the exit status', async () => {
    await expect(started('process.exit(7);')).rejects.toMatchObject({ code: 7 });
  });

  test('hands on signals, and ends as the program does', async () => {
    const source = `process.on('SIGTERM', () => process.exit(3));
      setInterval(() => undefined, 1000);
      process.kill(process.ppid, 'SIGTERM');`;
    await expect(started(source)).rejects.toMatchObject({ code: 3 });
  });

  test('refuses to run nothing', async () => {
    await expect(run(process.execPath, ['scripts/run.mjs'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot run nothing'),
    });
  });
});

test('set-up with everything there says so and changes nothing', async () => {
  const { stderr } = await run(process.execPath, ['scripts/setup.mjs']);
  expect(stderr).toMatch(/^setup: done, [\d.]+ s\n$/);
});
