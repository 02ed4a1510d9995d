/** What the documents refer to: links, scripts of package.json, programs with their commands, files. All of it must exist. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** What exists, besides files. */
export interface Known {
  /** Programs whose command lines are looked at. */
  readonly programs: ReadonlySet<string>;
  /** Files that may be absent. */
  readonly madeLater: ReadonlySet<string>;
  /** Names of scripts in package.json. */
  readonly scripts: ReadonlySet<string>;
  /** Whole commands without arguments, such as `store-admin create key`. */
  readonly commands: ReadonlySet<string>;
  /** Other names of programs, by the name that the commands are known under. */
  readonly aliases: ReadonlyMap<string, string>;
}

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const NPM_RUN = /\bnpm run ([\w:-]+)/g;
const SOURCE_FILE = /(?<![\w/.-])((?:src|scripts|test|docs|bin|\.ci)\/[\w./-]*\w)/g;
const INLINE = /`([^`\n]+)`/g;

/** What is wrong in one document, one sentence each. `file` is its path below `root`. */
export function complaintsAbout(root: string, file: string, text: string, known: Known): string[] {
  const say = (what: string) => `${file}: ${what}`;
  return [
    ...linksOf(text)
      .filter((link) => !linkWorks(root, file, text, link))
      .map((link) => say(`the link ${link} leads nowhere`)),
    ...[...text.matchAll(NPM_RUN)]
      .filter(([, name = '']) => !known.scripts.has(name))
      .map(([whole]) => say(`there is no "${whole}"`)),
    ...[...text.matchAll(SOURCE_FILE)]
      .filter(([, path = '']) => !existsSync(join(root, path)) && !known.madeLater.has(path))
      .map(([, path]) => say(`there is no file ${path}`)),
    ...commandLinesOf(text, known.programs)
      .filter((line) => !isKnownCommand(line, known))
      .map((line) => say(`there is no command "${line}"`)),
  ];
}

/** The targets of a document's links within the project. */
function linksOf(text: string): string[] {
  return [...text.matchAll(LINK)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));
}

function linkWorks(root: string, file: string, text: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  if (path !== '') return existsSync(resolve(root, dirname(file), path));
  return [...text.matchAll(/^#+ (.+)$/gm)].some(([, heading = '']) => anchorOf(heading) === anchor);
}

const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(/\s/g, '-');

/** What may stand before a command: an assignment, a pipe, a folder. */
const LEADING = /^(?:\s*(?:[A-Z][A-Z0-9_]*=(?:"[^"]*"|\$\([^)]*\)|\S*)\s+|sudo\s+|exec\s+))*(?:\S*bin\/)?/;

/** The commands of code blocks and of code within lines, up to the first word that is no command. */
function commandLinesOf(text: string, programs: ReadonlySet<string>): string[] {
  const blocks = text.split('\n').filter((line) => line.startsWith('    '));
  const fenced = [...text.matchAll(/^```(?:sh|bash|console)?\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block.split('\n'),
  );
  const inline = [...text.matchAll(INLINE)].map(([, code = '']) => code);
  return [...blocks, ...fenced, ...inline]
    .flatMap((line) => line.split(/\s\|\s|&&|;\s|\$\(/))
    .map((line) => line.trim().replace(LEADING, ''))
    .filter((line) => [...programs].some((program) => line.startsWith(`${program} `)));
}

/** True when a command's words begin the line, or the line begins a group of commands, as in "`store-admin export`". */
function isKnownCommand(line: string, { commands, aliases }: Known): boolean {
  const [program = '', ...rest] = line.split(/\s+/);
  // Words alone: an option, a value or a placeholder ends the command.
  const end = rest.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  const words = [aliases.get(program) ?? program, ...(end === -1 ? rest : rest.slice(0, end))];
  if (words.length === 1) return true;
  const written = words.join(' ');
  if ([...commands].some((command) => command.startsWith(`${written} `))) return true;
  return words.some((_, index) => index > 0 && commands.has(words.slice(0, index + 1).join(' ')));
}
