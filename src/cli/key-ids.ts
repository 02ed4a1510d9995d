/** An id of a key, SHA3-384 in base64url, that begins with a hyphen: one in 64 does. */
const HYPHENED = /^-[A-Za-z0-9_-]{63}$/;
/** Stands for the first hyphen while options are told from arguments; no command line can hold it. */
const MARK = '\0';

/** The part of a command that {@link takeKeyIds} needs, whatever its options are. */
export interface ParsingCommand {
  parseOptions(args: string[]): { operands: string[]; unknown: string[] };
  readonly options: readonly ParsedOption[];
  readonly commands: readonly ParsingCommand[];
}

interface ParsedOption {
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  readonly required: boolean;
  readonly optional: boolean;
}

/** Makes a command and its subcommands take ids of keys as arguments where commander would see an unknown option. */
export function takeKeyIds(command: ParsingCommand): void {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (args) => {
    const { operands, unknown } = parse(
      args.map((word, index) =>
        HYPHENED.test(word) && !takesValue(command, args[index - 1]) ? MARK + word.slice(1) : word,
      ),
    );
    return { operands: operands.map(restored), unknown: unknown.map(restored) };
  };
  for (const child of command.commands) takeKeyIds(child);
}

/** Whether the next word is an option's value: commander takes that as it is, and it would never be restored. */
function takesValue(command: ParsingCommand, word: string | undefined): boolean {
  if (word === undefined) return false;
  return command.options.some(
    ({ short, long, required, optional }) => (required || optional) && (word === short || word === long),
  );
}

function restored(word: string): string {
  return word.startsWith(MARK) ? `-${word.slice(1)}` : word;
}
