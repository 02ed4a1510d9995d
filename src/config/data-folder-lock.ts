import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { writePrivateFile } from './private-file.ts';

/** A claim on a data folder. */
export interface DataFolderLock {
  /** Gives the folder up; the process may end without it. */
  release(): Promise<void>;
}

const holderSchema = z.object({
  pid: z.int().positive(),
  /** Clock ticks from the machine's start to the process's, so that a reused process id is not taken for its holder. */
  started: z.string(),
  /** Which run of the machine `started` counts from. */
  boot: z.string(),
  host: z.string(),
});
/** Who holds a lock. */
export type LockHolder = z.infer<typeof holderSchema>;

const SUFFIX = '.lock';
/** A lock from another machine, or another container, is alive while its file is touched. */
const TOUCH_EVERY = 10_000;
const FOREIGN_LIFE = 60_000;
const ATTEMPTS = 4;

/**
 * Claims a folder: each claim puts down a file of its own name and then looks for others. Two that start at one moment
 * see each other and both step back, to try again after a random pause; so never two hold it, and a file of a dead process
 * can be removed by anybody, because nobody else ever uses its name. Resolves to the holder when another process has it.
 */
export async function lockDataFolder(folder: string): Promise<DataFolderLock | LockHolder> {
  const self = holderOf(process.pid);
  const path = join(folder, `${self.pid}-${self.started}-${randomBytes(4).toString('hex')}${SUFFIX}`);
  let other: LockHolder | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await sleep(20 + Math.random() * 200);
    await writePrivateFile(path, JSON.stringify(self));
    other = await liveHolder(folder, path);
    if (!other) return held(path);
    await rm(path, { force: true });
  }
  return other ?? self;
}

function held(path: string): DataFolderLock {
  const touching = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, TOUCH_EVERY).unref();
  return {
    release: async () => {
      clearInterval(touching);
      await rm(path, { force: true });
    },
  };
}

async function liveHolder(folder: string, ownPath: string): Promise<LockHolder | undefined> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!name.endsWith(SUFFIX) || path === ownPath) continue;
    const holder = await readHolder(path);
    if (holder && (await isAlive(holder, path))) return holder;
    await rm(path, { force: true });
  }
  return undefined;
}

async function readHolder(path: string): Promise<LockHolder | undefined> {
  try {
    return holderSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    // It went away while we looked, or was never one of ours: lock files are written whole.
    return undefined;
  }
}

async function isAlive(holder: LockHolder, path: string): Promise<boolean> {
  if (holder.host !== hostname()) {
    const touched = await stat(path).catch(() => undefined);
    return touched !== undefined && Date.now() - touched.mtimeMs < FOREIGN_LIFE;
  }
  return holder.boot === bootId() && startOf(holder.pid) === holder.started;
}

function holderOf(pid: number): LockHolder {
  return { pid, started: startOf(pid) ?? 'unknown', boot: bootId(), host: hostname() };
}

/** The start of a running process (field 22 of /proc/PID/stat), or nothing when there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold blanks and parentheses, so fields are counted from behind it: state is field 3.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return startWithoutProc(pid);
  }
}

/** Where there is no /proc, a process id that is in use has to do. */
function startWithoutProc(pid: number): string | undefined {
  if (process.platform === 'linux') return undefined;
  try {
    process.kill(pid, 0);
    return 'unknown';
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
