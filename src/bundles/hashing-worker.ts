/** Runs in a thread of its own: digests what the other side puts into the shared slots, in order. */
import { createHash, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';

const data = z.object({ memory: z.instanceof(SharedArrayBuffer), slotBytes: z.number() }).parse(workerData);
const message = z.union([z.object({ slot: z.number(), length: z.number() }), z.literal('digest')]);
let hash: Hash = createHash('sha3-384');

parentPort?.on('message', (raw: unknown) => {
  const wanted = message.parse(raw);
  if (wanted === 'digest') {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    parentPort?.postMessage({ digest: hash.digest('hex') });
    hash = createHash('sha3-384');
    return;
  }
  hash.update(new Uint8Array(data.memory, wanted.slot * data.slotBytes, wanted.length));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage({ slot: wanted.slot });
});
