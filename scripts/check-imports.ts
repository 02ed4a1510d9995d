/** Holds src/ to the import directions of scripts/import-rules.ts, and to imports that never go round in a circle. */
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { circlesOf } from './import-circles.ts';
import { FACES, IMPORT_RULES } from './import-rules.ts';
import { importsOf, judge } from './imports.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

const names = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith('.ts')).sort();
const complaints: string[] = [];
const graph = new Map<string, readonly string[]>();
for (const name of names) {
  const file = name.split(sep).join('/');
  const imports = importsOf(await readFile(join(SRC, name), 'utf8'));
  complaints.push(...judge(file, imports, IMPORT_RULES, FACES));
  const inner = imports.filter(({ specifier }) => specifier.startsWith('.'));
  graph.set(
    file,
    inner.map(({ specifier }) => posix.normalize(posix.join(dirname(file), specifier))),
  );
}
for (const circle of circlesOf(graph))
  complaints.push(`cannot import in a circle: ${circle.map((file) => `src/${file}`).join(' → ')}`);
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exitCode = 1;
