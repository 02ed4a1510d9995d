import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '../../folders.ts';
import { ExportError } from './errors.ts';

/**
 * Makes the folder that files go to: the one asked for, else the host's own.
 * @throws ExportError `export-folder-unusable`
 */
export async function makeExportFolder(wanted: string | null, own: string): Promise<string> {
  const folder = wanted ?? own;
  try {
    await makeFolder(folder);
    return folder;
  } catch (cause) {
    throw new ExportError(
      'export-folder-unusable',
      `cannot write to ${folder}: it is no folder that can be used`,
      cause,
    );
  }
}

/** Where one export of an account lies until it was fetched: never where the account says. */
export function accountFolder(exports: string, name: string): string {
  return resolve(exports, 'accounts', name);
}

/** Removes such a folder, and no other one. */
export async function removeAccountFolder(folder: string, exports: string): Promise<void> {
  if (dirname(resolve(folder)) !== resolve(exports, 'accounts'))
    throw new TypeError(`internal error: ${folder} is no export of an account`);
  await rm(folder, { recursive: true, force: true });
}

/** Removes those in which nothing was written since `before`; gives how many. */
export async function removeAccountFoldersBefore(before: Date, exports: string): Promise<number> {
  let removed = 0;
  for (const name of await namesIn(accountFolder(exports, '.'))) {
    const folder = accountFolder(exports, name);
    if ((await lastWritten(folder)) >= before.getTime()) continue;
    await removeAccountFolder(folder, exports);
    removed += 1;
  }
  return removed;
}

/** When the folder or a file in it was last written; milliseconds. One that its process removed meanwhile is none to be removed. */
async function lastWritten(folder: string): Promise<number> {
  const paths = [folder, ...(await namesIn(folder)).map((name) => join(folder, name))];
  const times = paths.map((path) =>
    stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity,
    ),
  );
  return Math.max(...(await Promise.all(times)));
}

function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
