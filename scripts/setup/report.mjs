/** Progress of the set-up: one line when a part is being got, one when it is there. On standard error, so that output of what runs next stays clean. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TOOLS } from './parts.mjs';

export const LOG_FILE = join(TOOLS, 'setup.log');

/** Prints one line. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** Adds what a command printed to the log file that a failure points to. */
export function note(text) {
  mkdirSync(TOOLS, { recursive: true });
  appendFileSync(LOG_FILE, text);
}

/** `12.3 s` since an instant of `performance.now()`. */
export function since(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/** Something the set-up cannot get: its message is the one line that the user reads. */
export class SetupError extends Error {}
