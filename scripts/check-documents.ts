/** Holds the documents to what exists: links, files, scripts and commands. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { complaintsAbout, type Known } from './documents/links.ts';

/** Tells of commands of other products too, which are not here. */
const OF_OTHERS = new Set(['docs/divergences.md']);
/** Written by `npm run bench`, when somebody runs it. */
const MADE_LATER = ['docs/reference/performance.md'];

const packageSchema = z.object({ scripts: z.record(z.string(), z.string()) });

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const complaints: string[] = [];
const known = await whatExists();
const withoutCommands: Known = { ...known, programs: new Set() };
for (const file of await documents()) {
  complaints.push(
    ...complaintsAbout(
      ROOT,
      file,
      await readFile(join(ROOT, file), 'utf8'),
      OF_OTHERS.has(file) ? withoutCommands : known,
    ),
  );
}
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exitCode = 1;

async function documents(): Promise<string[]> {
  const atTop = (await readdir(ROOT)).filter((file) => file.endsWith('.md'));
  const below = (await readdir(join(ROOT, 'docs'), { recursive: true })).filter((file) =>
    file.endsWith('.md'),
  );
  return [...atTop, ...below.map((file) => `docs/${file}`)].sort();
}

/** The commands are those of docs/reference/commands.md, which a test holds to the programs. */
async function whatExists(): Promise<Known> {
  const reference = await readFile(join(ROOT, 'docs/reference/commands.md'), 'utf8');
  const commands = [...reference.matchAll(/^### `([^`]+)`/gm)].map(([, usage = '']) =>
    usage.replace(/ [<[].*/, ''),
  );
  const { scripts } = packageSchema.parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));
  return {
    programs: new Set(['airlock', 'store-admin', 'snap-store-proxy', 'snap-proxy', 'enterprise-store']),
    madeLater: new Set(MADE_LATER),
    scripts: new Set(Object.keys(scripts)),
    commands: new Set(commands),
    aliases: new Map([
      ['snap-proxy', 'snap-store-proxy'],
      ['enterprise-store', 'snap-store-proxy'],
    ]),
  };
}
