import { printJson, type Terminal } from './terminal.ts';

/** The part of a command that {@link SaidAsJson} needs, whatever its options are. */
export interface SpeakingCommand {
  name(): string;
  option(flags: string, description: string): unknown;
  readonly options: readonly { readonly long?: string | undefined }[];
  readonly commands: readonly SpeakingCommand[];
}

/** They run until they are stopped, and have a log. */
const RUNNING = new Set(['up', 'api', 'worker']);

/**
 * Gives `--json` to the commands below that have nothing to show but what they did, so that a program can pass it to all.
 * @returns those commands
 */
export function takeJson(command: SpeakingCommand): ReadonlySet<unknown> {
  const given = new Set<unknown>();
  for (const child of command.commands) {
    if (child.commands.length > 0) for (const one of takeJson(child)) given.add(one);
    else if (!RUNNING.has(child.name()) && !child.options.some(({ long }) => long === '--json')) {
      child.option('--json', 'print what was done as JSON');
      given.add(child);
    }
  }
  return given;
}

/** What a command of {@link takeJson} prints, kept until its end and printed as one JSON document then. */
export class SaidAsJson {
  /** For the command, in place of the real one. */
  readonly terminal: Terminal;
  readonly #real: Terminal;
  #said: string[] | undefined;

  constructor(terminal: Terminal) {
    this.#real = terminal;
    this.terminal = { ...terminal, stdout: { write: (text) => this.#write(text) } };
  }

  /** From here on text is kept. */
  begin(): void {
    this.#said = [];
  }

  /** Prints what was kept: {`said[]`}, each as the command printed it. A command that failed may have had nothing to say. */
  end(failed: boolean): void {
    const said = this.#said?.filter((text) => text !== '');
    this.#said = undefined;
    if (said && (said.length > 0 || !failed)) printJson(this.#real, { said });
  }

  #write(text: string): unknown {
    return this.#said ? this.#said.push(text.replace(/\n$/, '')) : this.#real.stdout.write(text);
  }
}
