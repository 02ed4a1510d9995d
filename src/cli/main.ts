import { createContext } from './context.ts';
import { isProgramName, runProgram } from './program.ts';
import { processTerminal } from './terminal.ts';

/** Runs the program that bin/launch names in the first argument. */
async function main(): Promise<void> {
  const [program = '', ...args] = process.argv.slice(2);
  if (!isProgramName(program)) throw new Error(`internal error: no program is called ${program}`);
  const interruption = new AbortController();
  // The long-running commands set their own handlers; this one is for those that wait for an answer.
  process.once('SIGINT', () => interruption.abort());
  // A reader that goes away early (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const context = { ...createContext(processTerminal(), program, interruption.signal), program };
  process.exitCode = await runProgram(args, context);
}

await main();
