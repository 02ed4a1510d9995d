import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { DeviceError, expectStatus, send } from './device-http.ts';

/** A download, and how far it goes before it breaks off once. */
export interface DownloadOptions {
  readonly source: { readonly url: string; readonly size: number; readonly 'sha3-384': string };
  readonly into: string;
  readonly headers: { readonly [name: string]: string };
  /** Bytes after which the connection is dropped once; the rest is asked for by Range. */
  readonly breakAfter?: number;
}

/** What a download came to. */
export interface Download {
  readonly size: number;
  readonly sha3_384: string;
  /** Statuses of the answers: 200, and 206 for what was resumed. */
  readonly statuses: readonly number[];
}

/** Downloads into a file as a device does, resuming where it broke off; throws DeviceError when the digest differs. */
export async function downloadTo(options: DownloadOptions): Promise<Download> {
  const { source, into } = options;
  const statuses: number[] = [];
  if (options.breakAfter !== undefined) statuses.push(await fetchInto(options, 0, options.breakAfter));
  const have = options.breakAfter === undefined ? 0 : (await stat(into)).size;
  statuses.push(await fetchInto(options, have, Number.POSITIVE_INFINITY));
  const { size } = await stat(into);
  const sha3_384 = await digestOf(into);
  if (size !== source.size || sha3_384 !== source['sha3-384']) {
    throw new DeviceError(
      200,
      `the downloaded file has ${size} bytes and digest ${sha3_384}, not the promised ones`,
    );
  }
  return { size, sha3_384, statuses };
}

async function fetchInto(
  { source, into, headers }: DownloadOptions,
  from: number,
  atMost: number,
): Promise<number> {
  const broken = new AbortController();
  const reply = await send(source.url, {
    headers: { ...headers, ...(from > 0 && { range: `bytes=${from}-` }) },
    signal: AbortSignal.any([broken.signal, AbortSignal.timeout(120_000)]),
  });
  await expectStatus(reply, from > 0 ? [206] : [200]);
  if (reply.body === null) throw new DeviceError(reply.status, 'the answer has no body');
  const file = await open(into, from > 0 ? 'a' : 'w');
  try {
    let written = 0;
    for await (const chunk of reply.body) {
      const part = chunk.subarray(0, atMost - written);
      await file.write(part);
      written += part.length;
      if (written >= atMost) break;
    }
  } finally {
    broken.abort();
    await file.close();
  }
  return reply.status;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha3-384');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
