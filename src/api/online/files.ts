import { Readable } from 'node:stream';
import type { Context } from 'hono';
import { fileAnswer } from '../device/file-answer.ts';
import type { DeviceEnv } from '../device/index.ts';
import type { FileCache } from './file-cache.ts';
import { headersOf, unreachable, type ForwardDeps } from './forward.ts';

/** What it takes to give out files of the upstream. */
export interface FileDeps extends ForwardDeps {
  readonly cache: FileCache;
  readonly report: (error: unknown) => void;
}

/** What a device says about itself when it asks for a file. */
const FILE_HEADERS = [
  'range',
  'if-range',
  'x-device-authorization',
  'snap-device-authorization',
  'authorization',
  'user-agent',
  'x-ubuntu-store',
  'snap-device-store',
];

/** A file of the upstream: a kept one if the upstream would give it to whoever asks now, else on its way through. */
export async function giveFile(
  deps: FileDeps,
  context: Context<DeviceEnv>,
  digest: string,
  upstream: string,
): Promise<Response> {
  const kept = await deps.cache.find(digest);
  if (kept !== undefined && (await mayHave(deps, context, upstream)))
    return fileAnswer(context, deps.cache.blobs, digest, {
      contentType: 'application/octet-stream',
      fileName: `${digest.slice(0, 16)}.snap`,
      report: deps.report,
    });
  return passOn(deps, context, digest, upstream);
}

/**
 * Whether the upstream would give the file to whoever asks now: that it was given to another device before says nothing about
 * this one.
 */
async function mayHave(deps: FileDeps, context: Context, upstream: string): Promise<boolean> {
  const answer = await fromUpstream(deps, context, upstream, 'HEAD');
  await answer.body?.cancel();
  return answer.ok;
}

/** Asks for a file with the credentials of the device that asks here. */
async function fromUpstream(
  deps: FileDeps,
  context: Context,
  upstream: string,
  method: string,
): Promise<Response> {
  const headers = new Headers();
  for (const name of FILE_HEADERS) {
    const value = context.req.header(name);
    if (value !== undefined) headers.set(name, value);
  }
  const asked = { method, headers, signal: context.req.raw.signal };
  return (deps.fetch ?? fetch)(upstream, asked).catch((cause: unknown) => {
    throw unreachable(cause);
  });
}

/** A file that is not here yet: on its way through, and kept when all of it passes. */
async function passOn(deps: FileDeps, context: Context, digest: string, upstream: string): Promise<Response> {
  const answer = await fromUpstream(deps, context, upstream, context.req.method);
  const given = headersOf(answer.headers);
  const length = answer.headers.get('content-length');
  if (length !== null && answer.headers.get('content-encoding') === null) given.set('content-length', length);
  if (answer.status !== 200 || context.req.method === 'HEAD' || answer.body === null)
    return new Response(answer.body, { status: answer.status, headers: given });
  const body = deps.cache.passing(digest, readable(answer.body), deps.report);
  return new Response(Readable.toWeb(body), { status: 200, headers: given });
}

async function* bytesOf(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of body) yield chunk;
}

function readable(body: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(bytesOf(body), { objectMode: false });
}
