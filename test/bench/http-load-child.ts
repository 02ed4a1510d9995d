/** Clients of a benchmark, in a process of their own: ask again and again for a while, and report what they saw. */
import { Agent, request } from 'node:http';
import { z } from 'zod';

const order = z.object({
  url: z.string(),
  method: z.string(),
  headers: z.record(z.string(), z.string()),
  /** Sent in turn; without any, requests have no body. */
  bodies: z.array(z.string()),
  concurrency: z.number(),
  milliseconds: z.number(),
  /** Ends earlier after so many requests. */
  requests: z.number().optional(),
  /** Bytes a second that each client reads at most. */
  pace: z.number().optional(),
  /** Breaks off what is under way when the time is over. */
  breakOff: z.boolean().optional(),
});

type Order = z.output<typeof order>;

process.on('message', (message) => {
  void load(order.parse(message)).then((report) => process.send?.(report));
});

async function load(job: Order) {
  const agent = new Agent({ keepAlive: true, maxSockets: job.concurrency });
  const latencies: number[] = [];
  let bytes = 0;
  let failures = 0;
  let sent = 0;
  const started = performance.now();
  const end = started + job.milliseconds;
  const client = async (): Promise<void> => {
    while (performance.now() < end && (job.requests === undefined || sent < job.requests)) {
      const body = job.bodies[sent++ % Math.max(1, job.bodies.length)];
      const begun = performance.now();
      const answer = await ask(agent, job, body, end);
      latencies.push(performance.now() - begun);
      bytes += answer.bytes;
      if (answer.status !== 200) failures++;
    }
  };
  await Promise.all(Array.from({ length: job.concurrency }, client));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { count: latencies.length, seconds, bytes, failures, p50: at(0.5), p99: at(0.99) };
}

function ask(
  agent: Agent,
  job: Order,
  body: string | undefined,
  end: number,
): Promise<{ status: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const outgoing = request(
      job.url,
      { agent, method: job.method, headers: { ...job.headers, ...length } },
      (answer) => {
        let bytes = 0;
        const status = answer.statusCode ?? 0;
        if (job.breakOff === true) {
          setTimeout(
            () => {
              resolve({ status, bytes });
              answer.destroy();
            },
            Math.max(0, end - performance.now()),
          );
        }
        const begun = performance.now();
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          const due = job.pace === undefined ? 0 : (bytes / job.pace) * 1000 - (performance.now() - begun);
          if (due > 5) {
            answer.pause();
            setTimeout(() => answer.resume(), due);
          }
        });
        answer.on('end', () => resolve({ status, bytes }));
        answer.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
