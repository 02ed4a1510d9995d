import type { CliContext } from './context.ts';
import { takeJson } from './said-as-json.ts';

/** The part of a command that its reference shows. */
interface Described {
  name(): string;
  description(): string;
  readonly commands: readonly Described[];
  readonly options: readonly {
    readonly flags: string;
    readonly description: string;
    readonly hidden: boolean;
  }[];
  readonly registeredArguments: readonly {
    name(): string;
    readonly description: string;
    readonly required: boolean;
    readonly variadic: boolean;
  }[];
}

/**
 * The reference of every command as Markdown, made from the commands themselves: docs/reference/commands.md is this text,
 * and a test compares the two.
 */
export async function commandReference(context: CliContext): Promise<string> {
  const { airlockProgram } = await import('./airlock/index.ts');
  const { storeAdminProgram } = await import('./store-admin/index.ts');
  const { snapStoreProxyProgram } = await import('./snap-store-proxy/index.ts');
  const nested = new Set(['store-admin', 'snap-store-proxy']);
  const [airlock, storeAdmin, snapStoreProxy] = [
    airlockProgram(context),
    storeAdminProgram(context),
    snapStoreProxyProgram(context),
  ];
  for (const program of [airlock, storeAdmin, snapStoreProxy]) takeJson(program);
  const own = airlock.commands.filter((command) => !nested.has(command.name()));
  return [
    PREFACE,
    section(
      'snap-store-proxy',
      "also `snap-proxy` and `enterprise-store`: what a store's operator does",
      snapStoreProxy.commands,
    ),
    section(
      'store-admin',
      "what a brand's admin does, from any machine that reaches the store",
      storeAdmin.commands,
    ),
    section('airlock', 'runs the parts; holds the other two programs as subcommands', own),
  ].join('\n');
}

const PREFACE = `# Commands

Every command prints its documented output on standard output and nothing else there; hints, warnings and progress go to standard
error. \`--json\` prints [the whole answer](json-output.md) for programs. An error is one sentence on standard error and an exit code:

| code | meaning |
|---|---|
| 0 | done |
| 2 | wrong command line, file or request |
| 3 | no valid proof of who asks: log in |
| 4 | known, and not permitted |
| 5 | not there, or not yours |
| 6 | at odds with what is there |
| 7 | larger than a limit |
| 8 | a part does not answer: try again later |
| 70 | a mistake in Airlock |
| 130 | interrupted; durable processes go on, and the same command joins them |

Commands that speak to an appliance find it by \`--url\` and \`--token-file\` (AIRLOCK_URL, AIRLOCK_OPERATOR_TOKEN_FILE or
AIRLOCK_OPERATOR_TOKEN), else by what the running one wrote to its data folder (\`--data\`, AIRLOCK_DATA). \`store-admin\` keeps its
log-in in AIRLOCK_HOME, else in \`~/.config/airlock\`; BRAND_ACCOUNT_ID needs to be set once.
`;

function section(program: string, what: string, commands: readonly Described[]): string {
  const lines = commands.flatMap((command) => entries([program], command));
  return [`## ${program}`, '', `${what.charAt(0).toUpperCase()}${what.slice(1)}.`, '', ...lines].join('\n');
}

/** One entry for each command that does something; mere groups are shown by their members. */
function entries(path: readonly string[], command: Described): string[] {
  const here = [...path, command.name()];
  const members = command.commands.flatMap((child) => entries(here, child));
  const isGroup = command.commands.length > 0 && command.registeredArguments.length === 0;
  return isGroup ? members : [...entry(here, command), ...members];
}

function entry(path: readonly string[], command: Described): string[] {
  const usage = [...path, ...command.registeredArguments.map(argumentWords)].join(' ');
  const details = [
    ...command.registeredArguments.map(
      (argument) => [argumentWords(argument), argument.description] as const,
    ),
    ...command.options
      .filter(({ hidden }) => !hidden)
      .map(({ flags, description }) => [flags, description] as const),
  ].filter(([, description]) => description !== '');
  const table = details.map(([name, description]) => `- \`${name}\`: ${description}`);
  const sentence = command.description();
  return [
    `### \`${usage}\``,
    '',
    `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`,
    '',
    ...table,
    ...(table.length > 0 ? [''] : []),
  ];
}

function argumentWords(argument: Described['registeredArguments'][number]): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}
