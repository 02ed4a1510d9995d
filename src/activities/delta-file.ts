import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

import { AirlockError } from '../errors.ts';

const run = promisify(execFile);

/** What snapd asks for and applies (protocol/devices.md 3.1). */
export const DELTA_FORMAT = 'xdelta3';

/** A delta that is larger than this share of the snap itself saves nothing that is worth its place. */
const WORTH_IT = 0.8;

/** xdelta3 holds at most this much of the source in memory, in bytes. */
const SOURCE_WINDOW = 64 * 1024 * 1024;

/**
 * Writes the difference between two files into `output`, if it pays. Whoever applies it would otherwise find out that
 * it is wrong, so it is applied once here: its result must be the target to the bit.
 * @param targetDigest SHA3-384 of the target, hex
 * @returns whether it is worth keeping; when not, `output` may exist and is the caller's to remove
 * @throws AirlockError `xdelta3-missing`, `delta-failed`
 */
export async function writeDelta(
  files: { readonly source: string; readonly target: string; readonly output: string },
  targetDigest: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { source, target, output } = files;
  await xdelta3(['-3', '-f', '-e', '-B', String(SOURCE_WINDOW), '-s', source, target, output], signal);
  const [delta, whole] = [await stat(output), await stat(target)];
  if (delta.size > whole.size * WORTH_IT) return false;
  return (await digestOfApplied(source, output, signal)) === targetDigest;
}

async function xdelta3(args: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await run('xdelta3', [...args], { signal });
  } catch (cause) {
    throw signal.aborted ? cause : failure(cause);
  }
}

function failure(cause: unknown): AirlockError {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
    return new AirlockError('unavailable', 'xdelta3-missing', 'cannot make deltas: install xdelta3', {
      cause,
    });
  }
  return new AirlockError(
    'invalid',
    'delta-failed',
    'cannot make a delta of these two files: xdelta3 fails',
    { cause },
  );
}

/** SHA3-384, hex, of what applying the delta gives; nothing is written. */
function digestOfApplied(source: string, delta: string, signal: AbortSignal): Promise<string> {
  const child = spawn('xdelta3', ['-d', '-c', '-B', String(SOURCE_WINDOW), '-s', source, delta], {
    stdio: ['ignore', 'pipe', 'ignore'],
    signal,
  });
  const hash = createHash('sha3-384');
  child.stdout.on('data', (chunk: Buffer) => hash.update(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => reject(signal.aborted ? cause : failure(cause)));
    child.on('close', () => resolve(hash.digest('hex')));
  });
}
