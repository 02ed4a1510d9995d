import { readFileSync } from 'node:fs';
import type { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from './context.ts';
import { failureOf, type Failure } from './errors.ts';
import { takeKeyIds } from './key-ids.ts';
import { Prompts } from './prompts.ts';
import { SaidAsJson, takeJson } from './said-as-json.ts';
import { note } from './terminal.ts';

const packageSchema = z.object({ version: z.string() });

/** The programs, each by every name that the documents give it. */
export const PROGRAMS = {
  airlock: 'airlock',
  'store-admin': 'store-admin',
  'snap-store-proxy': 'snap-store-proxy',
  'snap-proxy': 'snap-store-proxy',
  'enterprise-store': 'snap-store-proxy',
} as const;

/** A name that a program can be called by. */
export type ProgramName = keyof typeof PROGRAMS;

/** Whether a text names a program. */
export function isProgramName(text: string): text is ProgramName {
  return Object.hasOwn(PROGRAMS, text);
}

/**
 * Runs one command line and returns its exit code. Nothing is thrown: every failure is one sentence on standard error.
 *
 * @param args what follows the program's name
 */
export async function runProgram(
  args: readonly string[],
  given: CliContext & { program: ProgramName },
): Promise<number> {
  const asJson = args.includes('--json');
  const said = new SaidAsJson(given.terminal);
  const context = asJson ? { ...given, terminal: said.terminal, prompts: promptsBeside(given) } : given;
  try {
    const program = await buildProgram(context);
    program.version(ownVersion());
    const saying = takeJson(program);
    quiet(program, context);
    takeKeyIds(program);
    program.hook('preAction', (_, command) => {
      if (asJson && saying.has(command)) said.begin();
    });
    await program.parseAsync([...args], { from: 'user' });
    said.end(false);
    return 0;
  } catch (error) {
    said.end(true);
    const failure = failureOf(error);
    if (failure.sentence !== undefined) note(context.terminal, wordsOf(failure, failure.sentence, asJson));
    return failure.exitCode;
  } finally {
    context.prompts.close();
  }
}

/** Questions where no reader of JSON meets them. */
function promptsBeside({ terminal: { stdin, stderr, env }, signal }: CliContext): Prompts {
  return new Prompts({ stdin, stdout: stderr, stderr, env }, signal);
}

/** One line for standard error: a sentence for people, JSON for a program that asked for JSON. */
function wordsOf({ code, exitCode }: Failure, message: string, asJson: boolean): string {
  if (!asJson) return `error: ${message}`;
  return JSON.stringify({ error: { code, message, exitCode } });
}

async function buildProgram(context: CliContext & { program: ProgramName }): Promise<Command> {
  const program = PROGRAMS[context.program];
  switch (program) {
    case 'airlock':
      return (await import('./airlock/index.ts')).airlockProgram(context);
    case 'store-admin':
      return (await import('./store-admin/index.ts')).storeAdminProgram(context);
    case 'snap-store-proxy':
      return (await import('./snap-store-proxy/index.ts')).snapStoreProxyProgram(context);
    default:
      return program satisfies never;
  }
}

/** Makes commander throw instead of exiting, and leaves error texts to {@link failureOf}; also in every subcommand. */
function quiet(command: CommandLike, context: CliContext): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => context.terminal.stdout.write(text),
    writeErr: (text) => context.terminal.stderr.write(text),
    outputError: () => undefined,
  });
  command.showSuggestionAfterError(false);
  for (const child of command.commands) quiet(child, context);
}

/** The part of a command that {@link quiet} needs, whatever its options are. */
interface CommandLike {
  exitOverride(): unknown;
  configureOutput(output: {
    writeOut: (text: string) => void;
    writeErr: (text: string) => void;
    outputError: () => void;
  }): unknown;
  showSuggestionAfterError(show: boolean): unknown;
  readonly commands: readonly CommandLike[];
}

function ownVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return packageSchema.parse(JSON.parse(file)).version;
}
