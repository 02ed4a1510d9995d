/** One set-up at a time in one checkout: a second one waits for the first, and takes over when that has died. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOOLS } from './parts.mjs';
import { say } from './report.mjs';

const LOCK = join(TOOLS, 'setup.lock');

/** Runs `work` while holding the lock. */
export async function whileLocked(work) {
  await acquire();
  const release = () => rmSync(LOCK, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function acquire() {
  mkdirSync(TOOLS, { recursive: true });
  let told = false;
  for (;;) {
    try {
      writeFileSync(LOCK, `${process.pid}`, { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = holderOf();
    if (holder !== undefined && !lives(holder)) {
      rmSync(LOCK, { force: true });
      continue;
    }
    if (!told) say(`waiting for another set-up in this folder (process ${holder ?? 'unknown'})`);
    told = true;
    await sleep(200);
  }
}

function holderOf() {
  try {
    const pid = Number(readFileSync(LOCK, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
