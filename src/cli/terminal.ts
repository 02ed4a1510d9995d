import type { Readable } from 'node:stream';

/** What a command reads from and writes to. A test passes its own. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** The documented output of a command, and nothing else. */
  readonly stdout: Output;
  /** Everything that is not documented output: errors, warnings, hints, progress details. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where text goes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env };
}

/** Writes one line of documented output. */
export function print(terminal: Terminal, line: string): void {
  terminal.stdout.write(`${line}\n`);
}

/** Writes one line for the person at the keyboard, which no script has to skip. */
export function note(terminal: Terminal, line: string): void {
  terminal.stderr.write(`${line}\n`);
}

/** Writes a value as JSON, for `--json`. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
