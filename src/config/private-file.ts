import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const systemErrorSchema = z.looseObject({ code: z.string() });

/** Writes a file that only its owner may read, whole or not at all, and durably; replaces what is there. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const unfinished = await writeBeside(path, text);
  try {
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Writes a file that only its owner may read unless there is one already; false when there is. Never half-written. */
export async function createPrivateFile(path: string, text: string): Promise<boolean> {
  const unfinished = await writeBeside(path, text);
  try {
    // Unlike a rename, a link does not replace what another process was quicker to put there.
    await link(unfinished, path);
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
  await syncFolder(dirname(path));
  return true;
}

/** The code of an operating system error, such as ENOENT, or nothing for another thrown value. */
export function systemErrorCode(error: unknown): string | undefined {
  return systemErrorSchema.safeParse(error).data?.code;
}

async function writeBeside(path: string, text: string): Promise<string> {
  const unfinished = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.part`;
  const file = await open(unfinished, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return unfinished;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
