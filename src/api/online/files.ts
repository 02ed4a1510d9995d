import { Readable } from 'node:stream';
import type { Context } from 'hono';
import { AirlockError } from '../../errors.ts';
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

/**
 * A file of the upstream: the kept one, or the one that is just coming in for another device, if the upstream would give it to
 * whoever asks now; else on its way through.
 */
export async function giveFile(
  deps: FileDeps,
  context: Context<DeviceEnv>,
  digest: string,
  upstream: string,
): Promise<Response> {
  const present = (await deps.cache.find(digest)) ?? (isWhole(context) && deps.cache.arriving(digest));
  if (!present || !(await mayHave(deps, context, upstream))) return passOn(deps, context, digest, upstream);
  // It may have become whole, or have gone, while the upstream was asked.
  if (await deps.cache.find(digest))
    return fileAnswer(context, deps.cache.blobs, digest, {
      contentType: 'application/octet-stream',
      fileName: `${digest.slice(0, 16)}.snap`,
      report: deps.report,
    });
  const arrival = isWhole(context) ? await deps.cache.arriving(digest) : undefined;
  const body = await arrival?.read();
  if (arrival === undefined || body === undefined) return passOn(deps, context, digest, upstream);
  const headers = new Headers({ 'content-type': 'application/octet-stream' });
  if (arrival.length !== undefined) headers.set('content-length', `${arrival.length}`);
  return new Response(Readable.toWeb(body), { status: 200, headers });
}

/** Whether all of the file is asked for: what begins in the middle is not kept. */
function isWhole(context: Context): boolean {
  return context.req.method === 'GET' && context.req.header('range') === undefined;
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
  // Until it answers only: a file that comes in may have other readers by the time that this device goes.
  const waiting = new AbortController();
  const give = () => waiting.abort();
  const { signal } = context.req.raw;
  signal.addEventListener('abort', give);
  try {
    return await (deps.fetch ?? fetch)(upstream, { method, headers, signal: waiting.signal });
  } catch (cause) {
    throw unreachable('upstream store', cause);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

/** A file that is not here yet: on its way through, and kept when all of it passes. */
async function passOn(deps: FileDeps, context: Context, digest: string, upstream: string): Promise<Response> {
  const turn = isWhole(context) ? deps.cache.reserve(digest) : undefined;
  try {
    const answer = await fromUpstream(deps, context, upstream, context.req.method);
    const given = headersOf(answer.headers);
    const plain = answer.headers.get('content-encoding') === null;
    const length = plain ? answer.headers.get('content-length') : null;
    if (length !== null) given.set('content-length', length);
    if (turn === undefined || answer.status !== 200 || answer.body === null) {
      turn?.release();
      return new Response(answer.body, { status: answer.status, headers: given });
    }
    const announced = length === null ? undefined : Number(length);
    const arrival = await turn.fill(Readable.fromWeb(answer.body), announced, deps.report);
    const body = await arrival.read();
    if (body === undefined) throw new Error('the file went while it came');
    return new Response(Readable.toWeb(body), { status: 200, headers: given });
  } catch (cause) {
    turn?.release();
    throw cause instanceof AirlockError ? cause : unreachable('upstream store', cause);
  }
}
