/** Reads the imports of a TypeScript file, and judges them by rules. Pure: the files are handed in. */
import { dirname, posix } from 'node:path';
import type { ImportRule } from './import-rules.ts';

/** One import of a file. */
export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

const STATEMENT =
  /(?:^|\n)[ \t]*(?:import|export)\s+(?<type>type\s+)?(?:(?<names>[\w*\s{},$]+?)\s+from\s+)?['"](?<static>[^'"\n]+)['"]|\bimport\(\s*['"](?<dynamic>[^'"\n]+)['"]\s*\)/g;

/** Every import of a source text: static, re-exported and dynamic. */
export function importsOf(source: string): readonly Import[] {
  const code = withoutComments(source);
  return [...code.matchAll(STATEMENT)].map((match) => {
    const { type, names = '', static: from, dynamic } = match.groups ?? {};
    const start = match.index + (match[0].startsWith('\n') ? 1 : 0);
    return {
      specifier: from ?? dynamic ?? '',
      typeOnly: type !== undefined || onlyTypes(names),
      line: code.slice(0, start).split('\n').length,
    };
  });
}

/**
 * What is wrong with a file's imports, one sentence each.
 * @param file path below src/, with `/`
 */
export function judge(
  file: string,
  imports: readonly Import[],
  rules: readonly ImportRule[],
  faces: readonly string[] = [],
): readonly string[] {
  const rule = ruleOf(file, rules);
  if (rule === undefined) return [`src/${file}: no rule for its folder; add one to scripts/import-rules.ts`];
  return imports.flatMap(({ specifier, typeOnly, line }) => {
    const complaint = specifier.startsWith('.')
      ? innerComplaint(file, specifier, typeOnly, rule, faces)
      : outerComplaint(specifier, typeOnly, rule);
    return complaint === undefined ? [] : [`src/${file}:${line}: ${complaint}`];
  });
}

function innerComplaint(
  file: string,
  specifier: string,
  typeOnly: boolean,
  rule: ImportRule,
  faces: readonly string[],
): string | undefined {
  const target = posix.normalize(posix.join(dirname(file), specifier));
  if (target.startsWith('..')) return `cannot import ${specifier}: it lies outside src/`;
  if (within(target, rule.folder)) return undefined;
  const allowed = [...rule.may, ...(typeOnly ? (rule.types ?? []) : [])];
  if (!allowed.some((folder) => within(target, folder)))
    return `cannot import src/${target} into ${rule.folder}: ${rule.because}`;
  const face = faces.find((folder) => within(target, folder));
  if (face !== undefined && target !== `${face}/index.ts`)
    return `cannot import src/${target}: outside its folder only ${face}/index.ts is imported`;
  return undefined;
}

function outerComplaint(specifier: string, typeOnly: boolean, rule: ImportRule): string | undefined {
  const { packages } = rule;
  if (packages === undefined || typeOnly) return undefined;
  const allowed = packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  return allowed ? undefined : `cannot import the package ${specifier} into ${rule.folder}: ${rule.because}`;
}

function ruleOf(file: string, rules: readonly ImportRule[]): ImportRule | undefined {
  return rules.find(({ folder }) => within(file, folder));
}

function within(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** `{ type A, type B }`: erased, as a type import is. */
function onlyTypes(names: string): boolean {
  const inner = /^\s*\{(?<list>[^}]*)\}\s*$/.exec(names)?.groups?.['list'];
  if (inner === undefined) return false;
  const items = inner
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return items.length > 0 && items.every((item) => item.startsWith('type '));
}

/** Comments become blanks of the same length, line breaks stay: so line numbers hold. Strings are left alone. */
function withoutComments(source: string): string {
  return source.replace(
    /(?<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (found, text: string | undefined) => text ?? found.replaceAll(/[^\n]/g, ' '),
  );
}
