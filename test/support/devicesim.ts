import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const SOURCES = join(import.meta.dirname, '../interop/snapd');
const TOOLS = join(import.meta.dirname, '../../.tools/devicesim');

/** The built program, or why there is none. */
export type Devicesim = { readonly path: string } | { readonly path: undefined; readonly reason: string };

/**
 * The device made of snapd's own code (test/interop/snapd), built once for its sources; without a Go compiler there is
 * none, and tests that need it are skipped with the reason.
 */
export async function devicesim(): Promise<Devicesim> {
  const go = await goCommand();
  if (go === undefined) {
    return { path: undefined, reason: 'Go is not installed: the tests against snapd itself are skipped' };
  }
  const folder = join(TOOLS, await digestOfSources());
  const path = join(folder, 'devicesim');
  if (!(await exists(path))) await build(go, folder, path);
  return { path };
}

/** For the name of a group of tests: nothing, or why it is skipped; says so on standard output too. */
export function reasonToSkip(sim: Devicesim): string {
  if (sim.path !== undefined) return '';
  process.stdout.write(`${sim.reason}\n`);
  return ` (${sim.reason})`;
}

/** Builds beside the final place and moves, so that two builds at once cannot harm each other. */
async function build(go: string, folder: string, path: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = `${path}.${process.pid}`;
  await buildInto(go, draft);
  await rename(draft, path);
  const old = (await readdir(TOOLS)).filter((name) => join(TOOLS, name) !== folder);
  await Promise.all(old.map((name) => rm(join(TOOLS, name), { recursive: true, force: true })));
}

function buildInto(go: string, output: string): Promise<void> {
  const child = spawn(go, ['build', '-tags', 'withtestkeys', '-o', output, '.'], {
    cwd: SOURCES,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`cannot build test/interop/snapd:\n${complaints.slice(-4000)}`));
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

async function digestOfSources(): Promise<string> {
  const names = (await readdir(SOURCES)).filter((name) => /\.go$|^go\.(?:mod|sum)$/.test(name)).toSorted();
  const hash = createHash('sha256');
  for (const name of names) hash.update(`${name}\n`).update(await readFile(join(SOURCES, name)));
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
