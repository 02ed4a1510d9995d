import { stat } from 'node:fs/promises';
import { BundleError } from './errors.ts';

/**
 * What tells an unchanged file without reading it: device, inode, size, and both times in nanoseconds.
 * The change time cannot be set by a program, so a file that was written to or replaced has another identity.
 * @throws BundleError `bundle-unreadable`
 */
export async function fileIdentity(path: string): Promise<string> {
  try {
    const found = await stat(path, { bigint: true });
    if (!found.isFile()) throw new Error('not a file');
    return [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(':');
  } catch (cause) {
    throw new BundleError(
      'bundle-unreadable',
      `cannot open ${path}: it must be a file that Airlock may read`,
      { cause },
    );
  }
}
