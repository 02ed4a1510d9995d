import { fork } from 'node:child_process';
import { createPrivateKey, generateKeyPair } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import {
  encodeStream,
  signAssertion,
  softwareSigner,
  type Assertion,
  type Signer,
} from '../../src/assertions/index.ts';

const generate = promisify(generateKeyPair);

/** Device keys of 4096 bits. */
export async function deviceKeys(count: number): Promise<readonly Signer[]> {
  return (await deviceKeyFiles(count, 4096)).map((pem) => softwareSigner(createPrivateKey(pem)));
}

/** Keys in PEM form; made once and kept for later runs, for they cost up to half a second each. */
export async function deviceKeyFiles(count: number, bits: 2048 | 4096): Promise<readonly string[]> {
  const folder = join(tmpdir(), 'airlock-bench-keys');
  await mkdir(folder, { recursive: true });
  const keys: string[] = [];
  for (let index = 0; index < count; index += 1)
    keys.push(await keyAt(join(folder, `${bits === 4096 ? '' : `${String(bits)}-`}${index}.pem`), bits));
  return keys;
}

async function keyAt(path: string, bits: number): Promise<string> {
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== undefined) return kept;
  const { privateKey } = await generate('rsa', { modulusLength: bits });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writeFile(path, pem, { mode: 0o600 });
  return pem;
}

/** A serial-request, signed before the clock runs. */
export interface PreparedRequest {
  readonly body: Uint8Array;
  readonly apiKey: string;
}

/** Signs a serial-request of a device of a model. */
export async function prepareRequest(of: {
  readonly signer: Signer;
  readonly model: Assertion;
  readonly requestId: string;
  readonly apiKey: string;
}): Promise<PreparedRequest> {
  const request = await signAssertion(
    {
      type: 'serial-request',
      headers: {
        'brand-id': of.model.headers['brand-id'] ?? '',
        model: of.model.headers.model ?? '',
        'request-id': of.requestId,
        'device-key': of.signer.publicKey.encoded,
      },
      body: 'mac: 00:16:3e:00:00:01\n',
    },
    of.signer,
    new Date(),
  );
  return { body: encodeStream([request, of.model]), apiKey: of.apiKey };
}

const report = z.object({
  milliseconds: z.number(),
  latencies: z.array(z.number()),
  statuses: z.array(z.tuple([z.number(), z.number()])),
  cpu: z.number(),
});

/** What the devices saw. Times in milliseconds. */
export interface LoadReport {
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly statuses: readonly (readonly [number, number])[];
  /** CPU of the devices themselves. */
  readonly clientCpu: number;
}

/** Posts all requests, so many at a time, from a process of its own. */
export async function load(
  url: string,
  requests: readonly PreparedRequest[],
  concurrency: number,
): Promise<LoadReport> {
  const child = fork(join(import.meta.dirname, 'serial-load-child.ts'), [], {
    serialization: 'advanced',
    stdio: 'inherit',
  });
  try {
    const answer = await new Promise<unknown>((resolve, reject) => {
      child.once('message', resolve);
      child.once('error', reject);
      child.once('exit', () => reject(new Error('the load process ended early')));
      child.send({ url, concurrency, requests });
    });
    const { milliseconds, latencies, statuses, cpu } = report.parse(answer);
    const sorted = latencies.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      perSecond: (latencies.length * 1000) / milliseconds,
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
      statuses,
      clientCpu: cpu,
    };
  } finally {
    child.removeAllListeners('exit');
    child.kill();
  }
}
