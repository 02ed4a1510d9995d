import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { Settings } from '../../config/index.ts';
import { AirlockError } from '../../errors.ts';
import type { SettingStore } from '../../storage/index.ts';
import { originOf } from '../device/http.ts';
import type { DeviceEnv } from '../device/index.ts';
import { clientError, isUnforeseen, ERROR_CONTENT_TYPE, serialErrorBody } from '../errors.ts';
import { giveFile, type FileDeps } from './files.ts';
import { bodyOf, forward, headersOf, jsonOf, plainAnswer, type Onward } from './forward.ts';
import { CacheLinks } from './links.ts';
import type { PinBook } from './pin-book.ts';
import { pinnedInfo } from './pinned-info.ts';
import { isRefusal, pinnedAnswer, pinRefresh } from './pinned-refresh.ts';

/** What an online host needs to stand between devices and its upstream. */
export interface OnlineDeps extends FileDeps {
  readonly settings: SettingStore;
  readonly pins: PinBook;
  readonly clock: () => Date;
  readonly random: (bytes: number) => Uint8Array;
}

/** Paths that an online host forwards; all others are its own. */
export const FORWARDED = [
  '/v2/snaps',
  '/v2/assertions',
  '/v2/cohorts',
  '/v2/messages',
  '/api/v1',
  '/cached',
  '/relayed',
] as const;

const REFRESH = '/v2/snaps/refresh';
const INFO = '/v2/snaps/info/';
const SERVICE_URL = 'x-snap-device-service-url';
/** Where devices ask for serials through the proxy, and what the device service calls it (protocol/devices.md 1.2). */
const SERVICE_PATHS: Readonly<Record<string, string>> = {
  '/api/v1/snaps/auth/request-id': 'request-id',
  '/api/v1/snaps/auth/devices': 'serial',
};
const LINK_SECRET_SETTING = 'online.link-secret';

/**
 * An online host between devices and its upstream store (DESIGN 1): store calls go on as they came, but for what overrides pin;
 * downloads are given out here and kept by their digest; serial requests go to the device service that the device names, if it
 * is allowed.
 */
export function createOnlineApi(deps: OnlineDeps): Hono<DeviceEnv> {
  const app = new Hono<DeviceEnv>();
  const links = cacheLinks(deps);
  app.onError((error) => {
    if (error instanceof Refused) return plainAnswer(error.answer);
    const told = clientError(error);
    if (isUnforeseen(error)) deps.report(error);
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
    return giveFile(deps, context, digest, upstream);
  });

  app.get('/relayed', async (context) => {
    const { from, sign } = context.req.query();
    const target = (await links()).relayedUpstream(from, sign);
    if (target === undefined) throw new AirlockError('not-found', 'file-unknown', 'cannot find that file');
    return plainAnswer(await forward(deps, { ...(await passingOf(deps, context)), target }));
  });

  app.post('/v2/snaps/refresh', async (context) => {
    const onward = await passingOf(deps, context);
    const request = onward.body && readJson(onward.body);
    const pins = await deps.pins.pins(architectureOf(context));
    const pinned = await pinRefresh(request, pins, (body) => askFor(deps, onward, body));
    const answer = await forward(deps, pinned ? { ...onward, body: jsonBytes(pinned.body) } : onward);
    if (!answer.ok) return plainAnswer(answer);
    const said = await jsonOf(answer);
    return linkedAnswer(answer, pinned ? pinnedAnswer(said, pinned) : said, onward.base, await links());
  });

  app.get('/v2/snaps/info/:name', async (context) => {
    const onward = await passingOf(deps, context);
    const answer = await forward(deps, onward);
    if (!answer.ok || onward.method === 'HEAD') return plainAnswer(answer);
    const pins = await deps.pins.pins(context.req.query('architecture'));
    const said = await pinnedInfo(await jsonOf(answer), pins, (architecture, body) => {
      const headers = new Headers(onward.headers);
      headers.set('snap-device-architecture', architecture);
      const target = onward.target.slice(0, onward.target.indexOf(INFO)) + REFRESH;
      return askFor(deps, { ...onward, headers, target, method: 'POST' }, body);
    });
    return linkedAnswer(answer, said, onward.base, await links());
  });

  app.all('*', async (context) => plainAnswer(await forward(deps, await passingOf(deps, context))));
  return app;
}

/** An upstream's answer that is not what was asked for, in the middle of a request: the device gets it as it is. */
class Refused extends Error {
  readonly answer: Response;

  constructor(answer: Response) {
    super('the upstream refused');
    this.answer = answer;
  }
}

/** Asks the upstream a question of our own in a device's name; a refusal (its session ended, for one) is the device's matter. */
async function askFor(deps: OnlineDeps, onward: Onward, body: object): Promise<unknown> {
  const headers = new Headers(onward.headers);
  headers.set('content-type', 'application/json');
  headers.set('accept', 'application/json');
  if (!headers.has('snap-device-series')) headers.set('snap-device-series', '16');
  const answer = await forward(deps, { ...onward, headers, body: jsonBytes(body) });
  if (!answer.ok) throw new Refused(answer);
  const said = await jsonOf(answer);
  if (isRefusal(said)) throw new Refused(Response.json(said, { headers: headersOf(answer.headers) }));
  return said;
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Undefined for what is no JSON: the upstream says so itself. */
function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function architectureOf(context: Context): string {
  return (
    context.req.header('snap-device-architecture') ?? context.req.header('x-ubuntu-architecture') ?? 'amd64'
  );
}

/** A device's request on its way on, and the address that links in the answer begin with. */
interface Passing extends Onward {
  readonly base: string;
}

async function passingOf(deps: OnlineDeps, context: Context<DeviceEnv>): Promise<Passing> {
  const settings = new Settings(await deps.settings.all());
  return {
    base:
      settings.text('internal.store.url')?.replace(/\/+$/, '') ??
      originOf(context, settings.flag('proxy.trust-forwarded-proto')),
    ...addresseeOf(settings, context, new URL(context.req.url).pathname),
    method: context.req.method,
    headers: headersOf(context.req.raw.headers),
    body: await bodyOf(context),
    signal: context.req.raw.signal,
  };
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
function addresseeOf(
  settings: Settings,
  context: Context,
  path: string,
): Pick<Onward, 'target' | 'receiver'> {
  const service = context.req.header(SERVICE_URL);
  const servicePath = SERVICE_PATHS[path];
  const { search } = new URL(context.req.url);
  if (service === undefined || servicePath === undefined) {
    const upstream = (settings.text('proxy.upstream') ?? '').replace(/\/+$/, '');
    return { receiver: 'upstream store', target: `${upstream}${path}${search}` };
  }
  const asked = plainAddress(service);
  const allowed = settings.list('proxy.device-auth.allowed-device-service-urls').map(plainAddress);
  if (asked === undefined || !allowed.some((one) => one === asked || asked.startsWith(`${one}/`)))
    throw new AirlockError(
      'forbidden',
      'device-service-not-allowed',
      `cannot forward to the device service ${service.slice(0, 200)}: it is not in proxy.device-auth.allowed-device-service-urls`,
    );
  return { receiver: 'device service', target: `${asked}/${servicePath}` };
}

/**
 * An address as a request to it would take it, without slashes at its end: what is compared is what is asked. Undefined where it
 * has more than host and path, or climbs: `..` would lead out of the folder that is allowed.
 */
function plainAddress(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return undefined;
  if (/%2f|%5c/i.test(url.pathname)) return undefined;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

const downloadSchema = z.looseObject({ 'sha3-384': z.string().regex(/^[0-9a-f]{96}$/), url: z.url() });
const streamsSchema = z.looseObject({ 'assertion-stream-urls': z.array(z.url()) });

/** An answer whose addresses lead here, those of downloads and of streams of assertions: devices need no other way out. */
function linkedAnswer(answer: Response, said: unknown, base: string, links: CacheLinks): Response {
  const link = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(link);
    if (typeof value !== 'object' || value === null) return value;
    const copied = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, link(inner)]));
    const streams = streamsSchema.safeParse(copied).data?.['assertion-stream-urls'];
    if (streams !== undefined)
      return { ...copied, 'assertion-stream-urls': streams.map((url) => `${base}${links.relayPathOf(url)}`) };
    const download = downloadSchema.safeParse(copied);
    if (!download.success) return copied;
    return { ...copied, url: `${base}${links.pathOf(download.data['sha3-384'], download.data.url)}` };
  };
  return new Response(JSON.stringify(link(said)), {
    status: answer.status,
    headers: headersOf(answer.headers),
  });
}
