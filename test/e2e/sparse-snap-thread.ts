/** A thread that makes sparse snaps, and tells of each its path and digest. */
import { createHash } from 'node:crypto';
import { readFile, truncate } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { packSnap } from '../support/snap-files.ts';
import type { SparseWish } from './sparse-snaps.ts';

const ZEROS = Buffer.alloc(2 ** 22);
const wishes = z.array(z.custom<SparseWish>((value) => typeof value === 'object'));

for (const { recipe, path, size } of wishes.parse(workerData)) {
  await packSnap(recipe, path);
  const image = await readFile(path);
  await truncate(path, size);
  const hash = createHash('sha3-384').update(image);
  for (let left = size - image.byteLength; left > 0; left -= ZEROS.byteLength)
    hash.update(left < ZEROS.byteLength ? ZEROS.subarray(0, left) : ZEROS);
  const answer = { path, digest: hash.digest('hex') };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage(answer);
}
