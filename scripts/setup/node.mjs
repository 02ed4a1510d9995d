/** Node 24 or newer: the machine's, or one of the project's own from an npm package. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './commands.mjs';
import { NODE, NODE_MAJOR, PLATFORM, TOOLS } from './parts.mjs';
import { SetupError } from './report.mjs';

const OWN_NODE = join(NODE.folder, 'bin', 'node');

/** The Node to run the project with, or undefined when there is none yet. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  return ownVersion() === NODE.version ? OWN_NODE : undefined;
}

/** The folder with that Node's C headers, for native modules; undefined leaves it to node-gyp to fetch them. */
export function headersOf(node) {
  const prefix = dirname(dirname(node));
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? prefix : undefined;
}

/** Fetches Node, checks its digest and puts it in place at one stroke. */
export async function getNode() {
  const wanted = NODE.packages[PLATFORM];
  if (wanted === undefined)
    throw new SetupError(
      `cannot get Node ${NODE_MAJOR} for ${PLATFORM}: install Node ${NODE_MAJOR} or newer by hand and run this again`,
    );
  const work = join(TOOLS, `node-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    await unpack(work, wanted);
    rmSync(NODE.folder, { recursive: true, force: true });
    renameSync(join(work, 'package'), NODE.folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const { code } = await run(OWN_NODE, ['--version']);
  if (code !== 0)
    throw new SetupError(
      `cannot run the Node of the npm package ${wanted.name} here: install Node ${NODE_MAJOR} or newer by hand and run this again`,
    );
  return `${NODE.version} from the npm package ${wanted.name}`;
}

async function unpack(work, { name, integrity }) {
  const packed = await run('npm', ['pack', '--silent', `${name}@${NODE.version}`], { cwd: work });
  const archive = join(work, `${name}-${NODE.version}.tgz`);
  if (packed.code !== 0 || !existsSync(archive))
    throw new SetupError(
      `cannot download the npm package ${name}@${NODE.version}: check the way to the npm registry, or install Node ${NODE_MAJOR} or newer by hand`,
    );
  const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (digest !== integrity)
    throw new SetupError(
      `cannot use the downloaded npm package ${name}@${NODE.version}: its digest is ${digest}, not the pinned one`,
    );
  const unpacked = await run('tar', ['-xzf', archive, '-C', work]);
  if (unpacked.code !== 0)
    throw new SetupError(`cannot unpack ${archive}: install the program "tar" and run this again`);
}

function ownVersion() {
  try {
    const { version } = JSON.parse(readFileSync(join(NODE.folder, 'package.json'), 'utf8'));
    return existsSync(OWN_NODE) ? version : undefined;
  } catch {
    return undefined;
  }
}
