/**
 * `npm test`: runs the tests and closes with `N passed, N failed`. `--full` takes the long ones too (`*.full.test.ts`);
 * everything else on the command line goes to vitest, as in `npm test -- test/snaps -t channels`.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { TallyError, closingLine, type Tally } from './closing-line.ts';

const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});

const args = process.argv.slice(2);
const full = args.includes('--full');
const folder = await mkdtemp(join(tmpdir(), 'airlock-test-'));
const file = join(folder, 'report.json');
try {
  const status = await runVitest(args.filter((argument) => argument !== '--full'));
  const tally = await tallyOf(file);
  console.log(closingLine(tally));
  process.exitCode = status === 0 && tally.failed === 0 ? 0 : Math.max(status, 1);
} catch (error) {
  if (!(error instanceof TallyError)) throw error;
  console.error(error.message);
  console.log(closingLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

function runVitest(extra: readonly string[]): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
      ...extra,
    ],
    { stdio: 'inherit', env: { ...process.env, ...(full && { AIRLOCK_TEST_FULL: '1' }) } },
  );
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to vitest by itself; we only wait for it to end.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** A file that broke before its first test counts as one failure. */
async function tallyOf(path: string): Promise<Tally> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TallyError('cannot count the tests: vitest ended before it wrote its report', { cause });
  });
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = report.parse(
    JSON.parse(text),
  );
  const broken = testResults.filter(
    (result) => result.status === 'failed' && result.assertionResults.length === 0,
  );
  return {
    passed: numPassedTests,
    failed: numFailedTests + broken.length,
    skipped: numPendingTests + numTodoTests,
  };
}
