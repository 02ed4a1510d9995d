/** Runs in a thread of its own: digests pieces of shared memory, in the order in which they are named. */
import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

/** What the other side says and asks; it is our own code, and this thread loads nothing so that it starts at once. */
type Question = SharedArrayBuffer | 'digest' | readonly [from: number, length: number];

let memory = new Uint8Array(new SharedArrayBuffer(0));
let hash: Hash = createHash('sha3-384');

parentPort?.on('message', (question: Question) => {
  if (question instanceof SharedArrayBuffer) {
    memory = new Uint8Array(question);
    return;
  }
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
