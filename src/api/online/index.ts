import { Readable } from 'node:stream';
import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { Settings } from '../../config/index.ts';
import { AirlockError, sentenceOf } from '../../errors.ts';
import { limitedBytes } from '../../limited-bytes.ts';
import type { SettingStore } from '../../storage/index.ts';
import { fileAnswer } from '../device/file-answer.ts';
import type { DeviceEnv } from '../device/index.ts';
import { clientError, ERROR_CONTENT_TYPE, serialErrorBody } from '../errors.ts';
import type { FileCache } from './file-cache.ts';
import { CacheLinks } from './links.ts';

/** What an online host needs to stand between devices and its upstream. */
export interface OnlineDeps {
  readonly settings: SettingStore;
  readonly cache: FileCache;
  readonly clock: () => Date;
  readonly random: (bytes: number) => Uint8Array;
  readonly report: (error: unknown) => void;
  /** For tests. */
  readonly fetch?: typeof fetch;
}

/** Paths that an online host forwards; all others are its own. */
export const FORWARDED = [
  '/v2/snaps',
  '/v2/assertions',
  '/v2/cohorts',
  '/v2/messages',
  '/api/v1',
  '/cached',
] as const;

const REQUEST_MAX = 4 * 2 ** 20;
const ANSWER_MAX = 64 * 2 ** 20;
const ANSWER_MS = 60_000;
/** Headers that belong to one connection, or that are made anew on the way on. */
const OWN_HEADERS = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'accept-encoding',
  'host',
  'te',
  'trailer',
  'upgrade',
  'proxy-authorization',
]);
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
const SERVICE_URL = 'x-snap-device-service-url';
/** Where devices ask for serials through the proxy, and what the device service calls it (protocol/devices.md 1.2). */
const SERVICE_PATHS: Readonly<Record<string, string>> = {
  '/api/v1/snaps/auth/request-id': 'request-id',
  '/api/v1/snaps/auth/devices': 'serial',
};
const LINK_SECRET_SETTING = 'online.link-secret';

/**
 * An online host between devices and its upstream store (DESIGN 1): store calls go on as they came, downloads are given out here
 * and kept by their digest, serial requests go to the device service that the device names, if it is allowed.
 */
export function createOnlineApi(deps: OnlineDeps): Hono<DeviceEnv> {
  const app = new Hono<DeviceEnv>();
  const links = cacheLinks(deps);
  app.onError((error) => {
    const told = clientError(error);
    if (told.status === 500) deps.report(error);
    return new Response(serialErrorBody(told), {
      status: told.status,
      headers: { 'content-type': ERROR_CONTENT_TYPE },
    });
  });

  app.on(['GET', 'HEAD'], '/cached/:digest', async (context) => {
    const { digest } = context.req.param();
    const { from, sign } = context.req.query();
    const upstream = (await links()).upstreamOf(digest, from, sign);
    if (upstream === undefined) throw new AirlockError('not-found', 'file-unknown', 'cannot find that file');
    const kept = await deps.cache.find(digest);
    if (kept !== undefined && (await mayHave(deps, context, upstream)))
      return fileAnswer(context, deps.cache.blobs, digest, {
        contentType: 'application/octet-stream',
        fileName: `${digest.slice(0, 16)}.snap`,
        report: deps.report,
      });
    return passOn(deps, context, digest, upstream);
  });

  app.all('*', async (context) => {
    const settings = new Settings(await deps.settings.all());
    const path = new URL(context.req.url).pathname;
    const target = targetOf(settings, context, path);
    const answer = await ask(deps, context, target, await bodyOf(context));
    if (!rewritten(path) || !answer.ok) return plainAnswer(answer);
    return linkedAnswer(answer, new URL(context.req.url).origin, await links());
  });
  return app;
}

function cacheLinks(deps: OnlineDeps): () => Promise<CacheLinks> {
  let made: Promise<CacheLinks> | undefined;
  const make = async () => {
    const secret = () => Buffer.from(deps.random(32)).toString('hex');
    return new CacheLinks(
      Buffer.from(await deps.settings.secretOnce(LINK_SECRET_SETTING, secret, deps.clock()), 'hex'),
    );
  };
  return () => (made ??= make());
}

/** Where a request goes: to the device service that it names, else to the same path of the upstream. */
function targetOf(settings: Settings, context: Context, path: string): string {
  const service = context.req.header(SERVICE_URL);
  const servicePath = SERVICE_PATHS[path];
  const { search } = new URL(context.req.url);
  if (service === undefined || servicePath === undefined)
    return `${(settings.text('proxy.upstream') ?? '').replace(/\/+$/, '')}${path}${search}`;
  const bare = (url: string) => url.replace(/\/+$/, '');
  const allowed = settings.list('proxy.device-auth.allowed-device-service-urls');
  const isAllowed = allowed.some(
    (one) => bare(service) === bare(one) || bare(service).startsWith(`${bare(one)}/`),
  );
  if (!isAllowed)
    throw new AirlockError(
      'forbidden',
      'device-service-not-allowed',
      `cannot forward to the device service ${service.slice(0, 200)}: it is not in proxy.device-auth.allowed-device-service-urls`,
    );
  return `${bare(service)}/${servicePath}`;
}

async function bodyOf(context: Context): Promise<Uint8Array | undefined> {
  if (context.req.method === 'GET' || context.req.method === 'HEAD') return undefined;
  return limitedBytes(
    context.req.raw.body,
    REQUEST_MAX,
    () =>
      new AirlockError(
        'too-large',
        'body-too-large',
        `cannot forward the request: its body has more than ${REQUEST_MAX} bytes`,
      ),
  );
}

async function ask(
  deps: OnlineDeps,
  context: Context,
  target: string,
  body: Uint8Array | undefined,
): Promise<Response> {
  const headers = new Headers();
  for (const [name, value] of context.req.raw.headers) if (!OWN_HEADERS.has(name)) headers.set(name, value);
  try {
    return await (deps.fetch ?? fetch)(target, {
      method: context.req.method,
      headers,
      redirect: 'follow',
      signal: AbortSignal.any([context.req.raw.signal, AbortSignal.timeout(ANSWER_MS)]),
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
  } catch (cause) {
    throw new AirlockError(
      'unavailable',
      'upstream-unreachable',
      `cannot reach the upstream store: ${sentenceOf(cause instanceof Error && cause.cause ? cause.cause : cause)}`,
      { cause },
    );
  }
}

function plainAnswer(answer: Response): Response {
  return new Response(answer.body, { status: answer.status, headers: answerHeaders(answer) });
}

function answerHeaders(answer: Response): Headers {
  const headers = new Headers();
  for (const [name, value] of answer.headers) if (!OWN_HEADERS.has(name)) headers.set(name, value);
  return headers;
}

/** Answers whose download addresses lead here: those of refresh and info. */
function rewritten(path: string): boolean {
  return path === '/v2/snaps/refresh' || path.startsWith('/v2/snaps/info/');
}

const downloadSchema = z.looseObject({ 'sha3-384': z.string().regex(/^[0-9a-f]{96}$/), url: z.url() });

async function linkedAnswer(answer: Response, own: string, links: CacheLinks): Promise<Response> {
  const bytes = await limitedBytes(
    answer.body,
    ANSWER_MAX,
    () =>
      new AirlockError(
        'unavailable',
        'upstream-answer-malformed',
        'cannot read the answer of the upstream store: it is too long',
      ),
  );
  const link = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(link);
    if (typeof value !== 'object' || value === null) return value;
    const copied = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, link(inner)]));
    const download = downloadSchema.safeParse(copied);
    if (!download.success) return copied;
    return { ...copied, url: `${own}${links.pathOf(download.data['sha3-384'], download.data.url)}` };
  };
  const text = JSON.stringify(link(JSON.parse(new TextDecoder().decode(bytes))));
  return new Response(text, { status: answer.status, headers: answerHeaders(answer) });
}

/**
 * Whether the upstream would give the file to whoever asks now: that it was given to another device before says nothing about
 * this one.
 */
async function mayHave(deps: OnlineDeps, context: Context, upstream: string): Promise<boolean> {
  const answer = await fromUpstream(deps, context, upstream, 'HEAD');
  await answer.body?.cancel();
  return answer.ok;
}

/** Asks for a file with the credentials of the device that asks here. */
async function fromUpstream(
  deps: OnlineDeps,
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
    throw new AirlockError(
      'unavailable',
      'upstream-unreachable',
      `cannot reach the upstream store: ${sentenceOf(cause)}`,
      { cause },
    );
  });
}

/** A file that is not here yet: on its way through, and kept when all of it passes. */
async function passOn(
  deps: OnlineDeps,
  context: Context,
  digest: string,
  upstream: string,
): Promise<Response> {
  const answer = await fromUpstream(deps, context, upstream, context.req.method);
  const given = answerHeaders(answer);
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
