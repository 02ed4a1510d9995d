/** The npm packages of the lock file, with the PKCS#11 binding built. */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { run } from './commands.mjs';
import { headersOf } from './node.mjs';
import { ROOT } from './parts.mjs';
import { LOG_FILE, SetupError } from './report.mjs';

const BINDING = join(ROOT, 'node_modules/pkcs11js/build/Release/pkcs11.node');

/**
 * True when node_modules holds what the lock file says. npm's own record of what it installed is compared, not a date,
 * so that an installation by hand counts as well.
 */
export function packagesPresent() {
  const wanted = packagesOf(join(ROOT, 'package-lock.json'));
  const installed = packagesOf(join(ROOT, 'node_modules/.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const present = installed[path];
    if (present === undefined ? !entry.optional : present.version !== entry.version) return false;
  }
  return existsSync(BINDING);
}

/** Installs the packages with the given Node and builds the native binding against its headers. */
export async function getPackages(node) {
  const headers = headersOf(node);
  const env = {
    PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
    ...(headers !== undefined && { npm_config_nodedir: headers }),
  };
  const installed = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    env,
  });
  if (installed.code !== 0)
    throw new SetupError(`cannot install the npm packages ("npm ci" failed): see ${LOG_FILE}`);
  if (!existsSync(BINDING)) await run('npm', ['rebuild', 'pkcs11js'], { cwd: ROOT, env });
  if (!existsSync(BINDING))
    throw new SetupError(
      `cannot build the PKCS#11 binding (npm package pkcs11js): install a C++ compiler, make and Python 3; see ${LOG_FILE}`,
    );
  return 'from package-lock.json';
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
