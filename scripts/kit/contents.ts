/** What a kit holds: the product with all that it runs on, and nothing that only its makers need. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemErrorCode } from '../../src/config/private-file.ts';

/** Files and folders of the project that a host needs, or its operators read. */
const PRODUCT = [
  'bin',
  'docs',
  'src',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'package.json',
  'package-lock.json',
  'temporal.yaml',
];

/** What set-up got besides npm packages; Node's headers and npm stay behind. */
const TOOLS = [
  '.tools/node/bin/node',
  '.tools/node/LICENSE',
  '.tools/node/package.json',
  '.tools/temporal/temporal',
  '.tools/temporal/VERSION',
];

/** Types, maps and sources of what is compiled: nobody reads them at run time, and they are a third of all files. */
const UNREAD = /\.(?:d\.[cm]?ts|[cm]?js\.map|o|cc|cpp|hpp)$/;

/** As npm writes down what it installed. */
const installedSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })),
});

/** Which machines a kit is for, in the names of Node. */
export interface KitPlatform {
  readonly platform: string;
  readonly arch: string;
}

/**
 * Paths of all files of a kit, below the project's folder and sorted.
 * @param root a project whose set-up is done
 * @param workflows path of the workflows' bundle: isolated hosts need not make it
 */
export async function kitFiles(root: string, workflows: string, machine: KitPlatform): Promise<string[]> {
  const product = await Promise.all(PRODUCT.map((path) => filesBelow(root, path)));
  const packages = await Promise.all(
    (await productPackages(root)).map((path) => filesBelow(root, path, isOther(machine))),
  );
  return [...product.flat(), ...packages.flat(), ...TOOLS, workflows].sort();
}

/** Folders of the npm packages that the product itself needs. */
async function productPackages(root: string): Promise<string[]> {
  const record = await readFile(join(root, 'node_modules/.package-lock.json'), 'utf8');
  const { packages } = installedSchema.parse(JSON.parse(record));
  return Object.entries(packages)
    .filter(([path, { dev = false }]) => !dev && !path.startsWith('node_modules/@types/'))
    .map(([path]) => path);
}

/** Temporal's core brings a library for each platform: 150 MB, of which one fifth is of use. */
function isOther({ platform, arch }: KitPlatform): (path: string) => boolean {
  const own = `${{ x64: 'x86_64', arm64: 'aarch64' }[arch] ?? arch}-unknown-${platform}-gnu`;
  return (path) => {
    const release = /^node_modules\/@temporalio\/core-bridge\/releases\/([^/]+)/.exec(path);
    return UNREAD.test(path) || (release !== null && release[1] !== own);
  };
}

/** All files at or below a path; packages that lie within a package are listed by themselves. */
async function filesBelow(
  root: string,
  path: string,
  leaveOut: (path: string) => boolean = () => false,
): Promise<string[]> {
  const entries = await readdir(join(root, path), { withFileTypes: true }).catch((error: unknown) => {
    const code = systemErrorCode(error);
    if (code === 'ENOTDIR') return undefined;
    // An optional package, of another platform.
    if (code === 'ENOENT' && path.startsWith('node_modules/')) return [];
    throw error;
  });
  if (entries === undefined) return [path];
  const below = await Promise.all(
    entries.map(async (entry) => {
      const inside = `${path}/${entry.name}`;
      if (entry.name === 'node_modules' || leaveOut(inside)) return [];
      return entry.isDirectory() ? filesBelow(root, inside, leaveOut) : [inside];
    }),
  );
  return below.flat();
}
