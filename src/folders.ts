import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder with those above it that are missing. One after the other: on a file system that says of a folder which is
 * there that it does not exist (`/proc`), Node's own recursive way tries for ever.
 *
 * @param mode of each folder that is made
 * @throws Error of the system, at once
 */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  const missing: string[] = [];
  let present = resolve(folder);
  while (!(await isFolder(present))) {
    missing.push(present);
    present = dirname(present);
  }
  for (const one of missing.toReversed())
    await mkdir(one, { mode }).catch(async (error: unknown) => {
      // Another process may have made it meanwhile.
      if (codeOf(error) !== 'EEXIST' || !(await isFolder(one))) throw error;
    });
}

/** @throws Error where something else is in the way, or nobody may look */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
  throw Object.assign(new Error(`${path} is no folder`), { code: 'ENOTDIR' });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
