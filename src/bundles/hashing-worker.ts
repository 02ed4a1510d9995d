/** Runs in a thread of its own: digests pieces of the shared memory, in the order in which they are named. */
import { createHash, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

/** What the other side asks; it is our own code, and this thread loads nothing so that it starts at once. */
type Question = 'digest' | readonly [from: number, length: number];

const memory = new Uint8Array(sharedMemory(workerData));
let hash: Hash = createHash('sha3-384');

function sharedMemory(given: unknown): SharedArrayBuffer {
  if (given instanceof SharedArrayBuffer) return given;
  throw new TypeError('internal error: a hashing thread without memory');
}

parentPort?.on('message', (question: Question) => {
  let answer: string | null = null;
  if (question === 'digest') {
    answer = hash.digest('hex');
    hash = createHash('sha3-384');
  } else {
    const [from, length] = question;
    hash.update(memory.subarray(from, from + length));
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage(answer);
});
