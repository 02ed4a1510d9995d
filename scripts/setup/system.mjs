/** Parts that come from the distribution's packages. */
import { existsSync } from 'node:fs';
import { onPath, run } from './commands.mjs';
import { SYSTEM_PARTS } from './parts.mjs';
import { say, SetupError } from './report.mjs';

const INSTALL = {
  'apt-get': ['install', '-y', '--no-install-recommends'],
  dnf: ['install', '-y'],
  apk: ['add', '--no-progress'],
  brew: ['install'],
};

/** The parts that are not there. */
export function missingSystemParts() {
  return SYSTEM_PARTS.filter((part) => !isThere(part));
}

/** Installs what is missing where we may; says what to install by hand where we may not. */
export async function getSystemParts() {
  const wanted = missingSystemParts();
  const manager = Object.keys(INSTALL).find((name) => onPath(name) !== undefined);
  const packages = [...new Set(wanted.flatMap((part) => part.packages[manager] ?? []))];
  if (manager !== undefined && packages.length > 0) await install(manager, packages);
  const missing = missingSystemParts();
  const optional = missing.filter((part) => !part.needed);
  if (optional.length > 0) say(byHand(optional, manager));
  const needed = missing.filter((part) => part.needed);
  if (needed.length > 0) throw new SetupError(byHand(needed, manager));
  return packages.join(' ');
}

async function install(manager, packages) {
  const prefix = await asRoot(manager);
  if (prefix === undefined) return;
  const [program, ...before] = [...prefix, manager];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const args = [...before, ...INSTALL[manager], ...packages];
  const { code } = await run(program, args, { env });
  if (code === 0 || manager !== 'apt-get') return;
  // A new machine has no package lists yet.
  await run(program, [...before, 'update', '-q'], { env });
  await run(program, args, { env });
}

/** What to put before the package manager's name, or undefined when we may not install. */
async function asRoot(manager) {
  if (manager === 'brew' || process.getuid?.() === 0) return [];
  if (onPath('sudo') === undefined) return undefined;
  const { code } = await run('sudo', ['-n', 'true'], { timeoutMs: 5_000 });
  return code === 0 ? ['sudo', '-n'] : undefined;
}

function isThere(part) {
  return part.files === undefined
    ? onPath(part.program) !== undefined
    : part.files.some((file) => existsSync(file));
}

/** One sentence for all that is missing, with one command that gets it. */
function byHand(parts, manager) {
  const what = parts.map(({ name, purpose }) => `${name} (${purpose})`).join(', ');
  const packages = [
    ...new Set(parts.flatMap((part) => part.packages[manager] ?? part.packages['apt-get'])),
  ].join(' ');
  const how =
    manager === undefined
      ? `install by hand what Debian packages as ${packages}`
      : `run as root: ${[manager, ...INSTALL[manager], packages].join(' ')}`;
  return `cannot find ${what}: ${how}`;
}
