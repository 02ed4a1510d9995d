/** `node scripts/run.mjs FILE ARGUMENT…`: sets up what is missing, then runs FILE on the project's Node, with its signals and exit status. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { TOOLS } from './setup/parts.mjs';
import { SetupError, say } from './setup/report.mjs';
import { setUp } from './setup/setup.mjs';

const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  say('cannot run nothing: name a file, as in "node scripts/run.mjs scripts/demo.ts"');
  process.exit(2);
}

try {
  const { node, path } = await setUp();
  const env = { NODE_COMPILE_CACHE: join(TOOLS, 'compile-cache'), ...process.env, PATH: path };
  const child = spawn(node, [file, ...args], { stdio: 'inherit', env });
  for (const signal of FORWARDED) {
    // A terminal sends Ctrl-C to the child by itself.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal));
  }
  child.on('error', (error) => {
    say(`cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(`not finished: ${error.message}`);
  process.exitCode = 1;
}
