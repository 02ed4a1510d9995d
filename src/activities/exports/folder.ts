import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
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
