import { fork } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';

const report = z.object({
  count: z.number(),
  seconds: z.number(),
  bytes: z.number(),
  failures: z.number(),
  p50: z.number(),
  p99: z.number(),
});

/** What the clients saw; times in milliseconds. `cpu` is what this process used meanwhile, in seconds. */
export type LoadReport = z.output<typeof report> & { readonly rate: number; readonly cpu: number };

/** What the clients do. */
export interface LoadOrder {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly bodies?: readonly string[];
  readonly concurrency: number;
  readonly milliseconds: number;
  readonly requests?: number;
  readonly pace?: number;
  readonly breakOff?: boolean;
}

/** Lets clients in another process loose on a server in this one. Throws when any request failed. */
export async function load(order: LoadOrder): Promise<LoadReport> {
  const child = fork(join(import.meta.dirname, 'http-load-child.ts'), { stdio: 'inherit' });
  try {
    await new Promise((resolve) => child.once('spawn', resolve));
    const before = process.cpuUsage();
    const answer = new Promise<unknown>((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (code) => reject(new Error(`the clients ended with ${code}`)));
    });
    child.send({ method: 'GET', headers: {}, bodies: [], ...order });
    const seen = report.parse(await answer);
    const used = process.cpuUsage(before);
    if (seen.failures > 0) throw new Error(`${seen.failures} of ${seen.count} requests failed`);
    return { ...seen, rate: seen.count / seen.seconds, cpu: (used.user + used.system) / 1e6 };
  } finally {
    child.kill();
  }
}

/** The middle one of several rounds, so that a disturbance in one of them does not count. */
export function middle<Round>(rounds: readonly Round[], by: (round: Round) => number): Round {
  const sorted = rounds.toSorted((a, b) => by(a) - by(b));
  const round = sorted[Math.floor(sorted.length / 2)];
  if (round === undefined) throw new Error('no rounds');
  return round;
}
