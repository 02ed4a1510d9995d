/** Holds src/ to the import directions of scripts/import-rules.ts. */
import { readFile, readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FACES, IMPORT_RULES } from './import-rules.ts';
import { importsOf, judge } from './imports.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

const files = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith('.ts')).sort();
const complaints: string[] = [];
for (const file of files) {
  const source = await readFile(join(SRC, file), 'utf8');
  complaints.push(...judge(file.split(sep).join('/'), importsOf(source), IMPORT_RULES, FACES));
}
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exitCode = 1;
