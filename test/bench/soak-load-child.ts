/**
 * The devices of the soak, in a process of their own: each makes its request as it comes to its turn, as real ones do, and
 * tells each minute what it saw.
 */
import { createPrivateKey } from 'node:crypto';
import { request, Agent } from 'node:http';
import { z } from 'zod';
import { decodeAssertion, softwareSigner } from '../../src/assertions/index.ts';
import { prepareRequest } from './serial-load.ts';

const order = z.object({
  url: z.string(),
  devices: z.number(),
  minutes: z.number(),
  apiKey: z.string(),
  /** Device keys, PEM. */
  keys: z.array(z.string()),
  /** Each key is one device of each model. */
  models: z.array(z.instanceof(Uint8Array)),
});
const requestIdAnswer = z.object({ 'request-id': z.string() });

process.on('message', (message) => void run(order.parse(message)));

async function run({ url, devices, minutes, apiKey, keys, models }: z.infer<typeof order>): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: devices });
  const signers = keys.map((pem) => softwareSigner(createPrivateKey(pem)));
  const assertions = models.map((bytes) => decodeAssertion(bytes));
  const end = performance.now() + minutes * 60_000;
  let latencies: number[] = [];
  let next = 0;
  let waits = 0;

  const device = async () => {
    while (performance.now() < end) {
      const turn = next++;
      const signer = signers[turn % signers.length];
      const model = assertions[Math.floor(turn / signers.length)];
      if (!signer || !model) throw new Error('there are not enough devices for so many minutes');
      const asked = await post(agent, `${url}/api/v1/snaps/auth/request-id`, {}, new Uint8Array());
      const requestId = requestIdAnswer.parse(JSON.parse(asked.text))['request-id'];
      const { body } = await prepareRequest({ signer, model, requestId, apiKey });
      const begun = performance.now();
      // Told to come back (202), it does so at once and counts all of its waiting; snapd would in a minute.
      for (let status = 0; status !== 200;) {
        const answer = await post(agent, `${url}/api/v1/snaps/auth/devices`, { 'api-key': apiKey }, body);
        status = answer.status;
        if (status === 202) waits += 1;
        else if (status !== 200) throw new Error(`a device was refused: ${String(status)} ${answer.text}`);
      }
      latencies.push(performance.now() - begun);
    }
  };
  const tell = (over: boolean) => {
    process.send?.({ latencies, waits, over });
    latencies = [];
    waits = 0;
  };
  const ticks = setInterval(() => tell(false), 60_000);
  await Promise.all(Array.from({ length: devices }, device));
  clearInterval(ticks);
  agent.destroy();
  tell(true);
}

function post(
  agent: Agent,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { agent, method: 'POST', headers: { ...headers, 'content-length': String(body.length) } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        answer.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
