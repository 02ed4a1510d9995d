import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { inTurn } from './in-turn.ts';

const run = promisify(execFile);

const TOOLS = join(import.meta.dirname, '../../.tools');

/** A built program, or why there is none. */
export type GoProgram = { readonly path: string } | { readonly path: undefined; readonly reason: string };

/**
 * Builds a Go program once for its sources, into a folder of the project's own; without a Go compiler there is none, and
 * tests that need it are skipped with the reason.
 * @param sources folder of its module, which pins all that it is made of
 * @param build what `go build` is told besides
 */
export async function goProgram(name: string, sources: string, build: readonly string[]): Promise<GoProgram> {
  const go = await goCommand();
  if (go === undefined)
    return { path: undefined, reason: `Go is not installed: the tests with ${name} are skipped` };
  const tools = join(TOOLS, name);
  const folder = join(tools, await digestOf(sources));
  const path = join(folder, name);
  if (await exists(path)) return { path };
  await inTurn(tools, async () => {
    if (await exists(path)) return;
    await mkdir(folder, { recursive: true });
    // Beside the final place, so that what is there is whole.
    const draft = `${path}.${process.pid}`;
    await buildInto(go, sources, build, draft);
    await rename(draft, path);
    const old = (await readdir(tools)).filter((entry) => entry !== basename(folder));
    await Promise.all(old.map((entry) => rm(join(tools, entry), { recursive: true, force: true })));
  });
  return { path };
}

/** For the name of a group of tests: nothing, or why it is skipped; says so on standard output too. */
export function reasonToSkip(program: GoProgram): string {
  if (program.path !== undefined) return '';
  process.stdout.write(`${program.reason}\n`);
  return ` (${program.reason})`;
}

function buildInto(go: string, cwd: string, build: readonly string[], output: string): Promise<void> {
  const child = spawn(go, ['build', '-o', output, ...build], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`cannot build ${cwd}:\n${complaints.slice(-4000)}`));
    });
  });
}

async function goCommand(): Promise<string | undefined> {
  for (const command of ['go', '/usr/local/go/bin/go']) {
    const works = await run(command, ['version']).then(
      () => true,
      () => false,
    );
    if (works) return command;
  }
  return undefined;
}

async function digestOf(sources: string): Promise<string> {
  const names = (await readdir(sources)).filter((name) => /\.go$|^go\.(?:mod|sum)$/.test(name)).toSorted();
  const hash = createHash('sha256');
  for (const name of names) hash.update(`${name}\n`).update(await readFile(join(sources, name)));
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
