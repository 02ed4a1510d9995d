import { fork } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { deviceKeyFiles } from './serial-load.ts';
import { API_KEY, type SerialStand } from './serial-stand.ts';

/** What the devices saw in one minute; milliseconds. */
export interface SoakMinute {
  readonly count: number;
  /** Answers 202: not ready, ask again. */
  readonly waits: number;
  readonly p50: number;
  readonly p99: number;
}

const KEYS = 512;
/** More than this machine will ever make in a second; each is a device of its own. */
const MOST_PER_SECOND = 600;

const told = z.object({
  latencies: z.array(z.number()),
  waits: z.number(),
  over: z.boolean(),
});

/** Has so many devices at once ask for serials for so many minutes, and tells of each minute as it ends. */
export async function soakLoad(
  stand: SerialStand,
  { devices, minutes }: { readonly devices: number; readonly minutes: number },
  onMinute: (minute: SoakMinute) => Promise<void>,
): Promise<void> {
  const keys = await deviceKeyFiles(KEYS, 2048);
  const models: Uint8Array[] = [];
  const wanted = Math.ceil((minutes * 60 * MOST_PER_SECOND) / KEYS);
  while (models.length < wanted) models.push((await stand.model()).bytes);
  const child = fork(join(import.meta.dirname, 'soak-load-child.ts'), [], {
    serialization: 'advanced',
    stdio: 'inherit',
  });
  try {
    await new Promise<void>((resolve, reject) => {
      let left = minutes;
      let busy = Promise.resolve();
      child.on('message', (message) => {
        const { latencies, waits, over } = told.parse(message);
        // What is left over after the last minute is a fraction of one.
        if (left-- > 0) busy = busy.then(() => onMinute(minuteOf(latencies, waits)));
        if (over) busy.then(resolve, reject);
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error('the load process ended early')));
      const url = stand.rig.server.url;
      child.send({ url, devices, minutes, apiKey: API_KEY, keys, models });
    });
  } finally {
    child.removeAllListeners('exit');
    child.kill();
  }
}

function minuteOf(latencies: readonly number[], waits: number): SoakMinute {
  const sorted = latencies.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, waits, p50: at(0.5), p99: at(0.99) };
}
