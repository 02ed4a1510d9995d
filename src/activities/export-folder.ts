import { makeFolder } from '../folders.ts';
import { ExportError } from './export-errors.ts';

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
