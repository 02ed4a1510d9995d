/** `npm run check`: format, lint, types, import directions, documents. Runs all of them, each with its time; fails when one fails. */
import { spawn } from 'node:child_process';

const CHECKS: readonly (readonly [name: string, file: string, ...args: string[]])[] = [
  ['format', 'node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
  ['lint', 'node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '--format=unix'],
  ['types', 'node_modules/typescript/bin/tsc', '--project', '.'],
  ['import directions', 'scripts/check-imports.ts'],
  ['documents', 'scripts/check-documents.ts'],
];

const failed: string[] = [];
for (const [name, ...command] of CHECKS) {
  const start = performance.now();
  const { passed, output } = await run(command);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (!passed) process.stdout.write(output);
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(20)} ${seconds} s`);
  if (!passed) failed.push(name);
}
if (failed.length > 0) {
  console.error(`check: ${failed.join(', ')} failed`);
  process.exitCode = 1;
}

/** Shows what a check says only when it fails. */
function run(command: readonly string[]): Promise<{ passed: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ passed: code === 0, output }));
  });
}
