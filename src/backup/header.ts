import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { sealedKey } from './data-key.ts';
import { BackupError } from './errors.ts';

const MAGIC = 'airlock-backup v1\n';
const LONGEST = 16 * 1024;

/** The open part at the beginning of a backup. It is bound to what follows, and changed ones do not open. */
const backupHeader = z.strictObject({
  backupId: z.string().max(64),
  createdAt: z.iso.datetime(),
  key: sealedKey,
});
export type BackupHeader = z.infer<typeof backupHeader>;

/** The bytes that a backup begins with: a line that names the format, and a line of JSON. */
export function encodeHeader(header: BackupHeader): Uint8Array {
  return new TextEncoder().encode(`${MAGIC}${JSON.stringify(header)}\n`);
}

/**
 * Reads the header of an open file.
 * @throws BackupError `backup-form-unknown`
 */
export async function readHeader(
  file: FileHandle,
  path: string,
): Promise<{ readonly header: BackupHeader; readonly bytes: Uint8Array }> {
  const buffer = Buffer.alloc(LONGEST);
  const { bytesRead } = await file.read(buffer, 0, LONGEST, 0);
  const start = buffer.subarray(0, bytesRead);
  const end = start.indexOf(0x0a, MAGIC.length);
  if (start.toString('latin1', 0, MAGIC.length) !== MAGIC || end < 0) throw unknownForm(path);
  try {
    const header = backupHeader.parse(JSON.parse(start.toString('utf8', MAGIC.length, end)));
    return { header, bytes: new Uint8Array(start.subarray(0, end + 1)) };
  } catch (cause) {
    throw unknownForm(path, cause);
  }
}

function unknownForm(path: string, cause?: unknown): BackupError {
  return new BackupError(
    'backup-form-unknown',
    `cannot read ${path}: it is no backup of an Airlock, or of a version that this one does not know`,
    { cause },
  );
}
