import type { ConnectionOptions } from './connection.ts';
import { Prompts } from './prompts.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given: the terminal, the prompts on it, the time, and the means to be interrupted. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly prompts: Prompts;
  readonly now: () => Date;
  /** Aborted by the first SIGINT or SIGTERM: a command stops waiting, and its workflow goes on. */
  readonly signal: AbortSignal;
  /** The name that the program was called by, for hints. */
  readonly program: string;
  /** Where the operator's commands find the appliance: filled in from the options before a command runs. */
  readonly connection: ConnectionOptions;
}

/** The context of one run. */
export function createContext(terminal: Terminal, program: string, signal: AbortSignal): CliContext {
  return {
    terminal,
    prompts: new Prompts(terminal, signal),
    now: () => new Date(),
    signal,
    program,
    connection: {},
  };
}
