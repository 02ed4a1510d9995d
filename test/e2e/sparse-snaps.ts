import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { SnapRecipe } from '../support/snap-files.ts';

/** A snap file to make. */
export interface SparseWish {
  readonly recipe: SnapRecipe;
  readonly path: string;
  /** Bytes of the whole file; what the squashfs image does not need is a hole behind it. */
  readonly size: number;
}

const THREAD = new URL('./sparse-snap-thread.ts', import.meta.url);
const made = z.object({ path: z.string(), digest: z.string() });

/**
 * Makes real squashfs files whose ends are holes: large to all who read them, small on the disk. Each is read by nobody for its
 * digest, as the digest of a hole needs no file; as many at a time as there are processors.
 *
 * @returns their SHA3-384, in order
 */
export async function makeSparseSnaps(all: readonly SparseWish[]): Promise<readonly string[]> {
  const threads = Math.min(availableParallelism(), all.length);
  const digests = new Map<string, string>();
  await Promise.all(
    Array.from({ length: threads }, (_, lane) => {
      const own = all.filter((_wish, index) => index % threads === lane);
      const worker = new Worker(THREAD, { workerData: own });
      worker.on('message', (answer: unknown) => {
        const { path, digest } = made.parse(answer);
        digests.set(path, digest);
      });
      return new Promise<void>((resolve, reject) => {
        worker.once('error', reject);
        worker.once('exit', () => resolve());
      });
    }),
  );
  return all.map(({ path }) => {
    const digest = digests.get(path);
    if (digest === undefined) throw new Error(`${path} was not made`);
    return digest;
  });
}
