import { mkdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemErrorCode } from '../../src/config/index.ts';
import { isAlive } from './processes.ts';

const LOOK_MS = 250;

/**
 * Does work that one process alone should do at a time, as what it makes takes all cores for half a minute and serves the next one too: that
 * one finds it. No more than that hangs on it, so that two at once, after a holder was killed, do no harm.
 * @param name a path that stands for the work
 */
export async function inTurn<Made>(name: string, work: () => Promise<Made>): Promise<Made> {
  const lock = `${name}.lock`;
  await mkdir(dirname(lock), { recursive: true });
  while (!(await isOurs(lock))) await sleep(LOOK_MS);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** A link that leads to the id of its process is there with it or not at all. */
async function isOurs(lock: string): Promise<boolean> {
  try {
    await symlink(String(process.pid), lock);
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  const holder = await readlink(lock).catch(() => undefined);
  if (holder !== undefined && !isAlive(Number(holder))) await rm(lock, { force: true });
  return false;
}
