/** The devices of the serials benchmark, in a process of their own: posts prepared requests and measures the answers. */
import { Agent, request } from 'node:http';
import { z } from 'zod';

const order = z.object({
  url: z.string(),
  concurrency: z.number(),
  requests: z.array(z.object({ body: z.instanceof(Uint8Array), apiKey: z.string() })),
});

process.on('message', (message) => {
  void post(order.parse(message)).then((report) => process.send?.(report));
});

async function post({ url, concurrency, requests }: z.infer<typeof order>) {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const latencies: number[] = [];
  const statuses = new Map<number, number>();
  const cpu = process.cpuUsage();
  const started = performance.now();
  let next = 0;
  const device = async () => {
    for (let job = requests[next++]; job !== undefined; job = requests[next++]) {
      const begun = performance.now();
      const status = await postOne(agent, url, job);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, device));
  const milliseconds = performance.now() - started;
  const used = process.cpuUsage(cpu);
  agent.destroy();
  return { milliseconds, latencies, statuses: [...statuses], cpu: (used.user + used.system) / 1000 };
}

function postOne(agent: Agent, url: string, job: { body: Uint8Array; apiKey: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${url}/api/v1/snaps/auth/devices`,
      {
        agent,
        method: 'POST',
        headers: {
          'api-key': job.apiKey,
          'content-type': 'application/x.ubuntu.assertion',
          'content-length': job.body.length,
        },
      },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
        answer.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(job.body);
  });
}
