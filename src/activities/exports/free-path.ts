import { open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stampOf } from '../../bundles/index.ts';
import { ExportError } from './errors.ts';

/** Where an exported file goes, and what it is called by the second that it names. */
export interface FilePlace {
  readonly folder: string;
  /** @param time as `stampOf` gives it */
  readonly nameAt: (time: string) => string;
  readonly at: Date;
}

/** An hour of names; nobody makes so many exports of one thing at once. */
const SECONDS = 3600;

/**
 * The path for a file: that of its own second, or of the first one after it that nobody has. What somebody else exported is never
 * written over.
 *
 * @param isOwn whether the file that is there is the very one to be written, by an earlier run
 * @throws ExportError `export-folder-unusable`
 */
export async function freePath(
  { folder, nameAt, at }: FilePlace,
  isOwn: (path: string) => Promise<boolean>,
): Promise<string> {
  for (let second = 0; second < SECONDS; second++) {
    const path = join(folder, nameAt(stampOf(new Date(at.getTime() + second * 1000))));
    if (!(await isThere(path)) || (await isOwn(path))) return path;
  }
  throw new ExportError(
    'export-folder-unusable',
    `cannot write to ${folder}: every name for this export is taken`,
  );
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Gives a file its name only when it is whole and on the disk; resolves to where it is. */
export async function writeWhole(place: FilePlace, bytes: Uint8Array, mode = 0o644): Promise<string> {
  const path = await freePath(place, async (one) => (await readFile(one)).equals(bytes));
  const file = await open(`${path}.part`, 'w', mode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  return path;
}
