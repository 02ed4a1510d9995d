import { CommanderError } from 'commander';

import { AirlockError, isAirlockError, type ErrorKind } from '../errors.ts';
import { systemFailure } from '../system-failures.ts';
import { notUsed } from './not-used.ts';

/** What the command line itself can refuse. */
export type CliErrorCode =
  | 'usage'
  | 'input-ended'
  | 'file-unreadable'
  | 'file-unwritable'
  | 'not-logged-in'
  | 'not-configured'
  | 'server-unreachable'
  | 'server-refused'
  | 'answer-malformed'
  | 'workflow-failed'
  | 'interrupted';

/** An error of the command line. */
export class CliError extends AirlockError<CliErrorCode> {
  /** Of what a server refused or a process failed at: the stable code that it gave, for programs. */
  readonly told: string | undefined;

  constructor(
    kind: ErrorKind,
    code: CliErrorCode,
    sentence: string,
    options?: { readonly cause?: unknown; readonly told?: string | undefined },
  ) {
    super(kind, code, sentence, options);
    this.told = options?.told;
  }
}

/** Exit codes by kind of error; 0 is success and 130 is an interrupt. docs/reference/commands.md lists them. */
const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  invalid: 2,
  unauthenticated: 3,
  forbidden: 4,
  'not-found': 5,
  conflict: 6,
  'too-large': 7,
  unavailable: 8,
  internal: 70,
};

/** The exit code of whoever was interrupted. */
const INTERRUPTED = 130;

/** How a command ended that did not do what it was asked to. */
export interface Failure {
  readonly exitCode: number;
  /** The stable code for programs. */
  readonly code: string;
  /** One sentence for standard error; undefined when the asked-for help was the answer. */
  readonly sentence: string | undefined;
}

/** The one place where an error becomes an exit code and a sentence. A stack trace never reaches the user. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError && error.code === 'interrupted')
    return { exitCode: INTERRUPTED, code: error.code, sentence: error.message };
  if (isAirlockError(error)) {
    const code = (error instanceof CliError ? error.told : undefined) ?? error.code;
    return { exitCode: EXIT_CODES[error.kind], code, sentence: error.message };
  }
  if (error instanceof CommanderError) return usageFailure(error);
  if (isInterrupt(error))
    return { exitCode: INTERRUPTED, code: 'interrupted', sentence: 'cannot go on: interrupted' };
  const failure = systemFailure(error);
  if (failure) return { exitCode: EXIT_CODES[failure.kind], code: failure.code, sentence: failure.message };
  const message = error instanceof Error ? error.message : String(error);
  return {
    exitCode: EXIT_CODES.internal,
    code: 'internal-error',
    sentence: `cannot do this because of a mistake in Airlock: ${firstLine(message)}; please report it`,
  };
}

/** An error for a wrong command line. */
export function usageError(sentence: string): CliError {
  return new CliError('invalid', 'usage', sentence);
}

function usageFailure(error: CommanderError): Failure {
  const code = 'usage';
  if (error.exitCode === 0) return { exitCode: 0, code, sentence: undefined };
  const what = firstLine(error.message).replace(/^error: /, '');
  // Commander reports a command group called without a subcommand by printing its help.
  if (error.code === 'commander.help') {
    return {
      exitCode: EXIT_CODES.invalid,
      code,
      sentence: 'cannot tell what to do: name one of the commands above',
    };
  }
  return {
    exitCode: EXIT_CODES.invalid,
    code,
    sentence: notUsed(what) ?? `cannot understand the command line: ${what}; try --help`,
  };
}

function isInterrupt(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.trim() ?? '';
}
