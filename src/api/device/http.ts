import type { Context, Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { AirlockError } from '../../errors.ts';
import { requestId } from '../../telemetry/index.ts';
import type { Report } from './deps.ts';
import { clientError, ERROR_CONTENT_TYPE, storeErrorBody } from '../errors.ts';

/** What Hono knows of a request to the device API. Without a server around it (tests) there are no bindings. */
export type DeviceEnv = { Bindings: Partial<HttpBindings> };

/** A request to the device API. */
export type DeviceContext = Context<DeviceEnv>;

/**
 * The age of the store that we speak like: from 6 on snapd registers through us, from 20 on it knows the newer search,
 * from 55 on it may send `held` (protocol/devices.md section 8).
 */
export const STORE_VERSION = '60';

export const JSON_TYPE = 'application/json';
export const HAL_TYPE = 'application/hal+json';
export const ASSERTION_TYPE = 'application/x.ubuntu.assertion';

type Headers = Record<string, string>;

/**
 * An answer with exactly this content type. Built in one go from plain headers, which the server writes without making
 * a Headers object; that is worth a third of a small answer's time.
 */
export function answer(
  status: number,
  contentType: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers?: Headers,
): Response {
  return new Response(body, {
    status,
    headers: { 'content-type': contentType, 'snap-store-version': STORE_VERSION, ...headers },
  });
}

/** 200 with JSON that is text already. */
export function jsonAnswer(body: string | Uint8Array<ArrayBuffer>): Response {
  return answer(200, JSON_TYPE, body);
}

/**
 * The answer to an error. Of our own mistakes the log has a line, under an id that snapd shows to its user
 * (protocol/devices.md section 0).
 */
export function errorAnswer(error: unknown, report: Report): Response {
  const seen = clientError(error);
  const headers = error instanceof StaleSession ? REFRESH : {};
  if (seen.status < 500) return answer(seen.status, ERROR_CONTENT_TYPE, storeErrorBody(seen), headers);
  const oopsId = requestId();
  report(error, oopsId);
  return answer(seen.status, ERROR_CONTENT_TYPE, storeErrorBody(seen), { 'x-oops-id': oopsId });
}

/** With this header snapd asks for a new session and repeats its request; without it a 401 is final. */
const REFRESH: Headers = { 'www-authenticate': 'Macaroon refresh_device_session=1' };

/** A session was presented that does not hold (any more). */
export class StaleSession extends AirlockError<'device-session-invalid'> {
  constructor() {
    super('unauthenticated', 'device-session-invalid', 'cannot accept the device session: open a new one');
  }
}

/** What is hidden and what is not there: one answer for both. */
export function notFound(what: string): AirlockError {
  return new AirlockError('not-found', 'resource-not-found', `cannot find ${what}`);
}

/** The answer where an app has nothing: 404, or 405 where another method has something; in the envelope of the app's errors. */
export function nothingHere(
  app: Hono<DeviceEnv>,
  c: DeviceContext,
  errorBody: (error: { readonly code: string; readonly message: string }) => string,
): Response {
  const allowed = ['GET', 'POST'].filter((method) => app.router.match(method, c.req.path)[0].length > 0);
  if (allowed.length === 0) {
    const { status, code, message } = clientError(notFound('anything at this address'));
    return answer(status, ERROR_CONTENT_TYPE, errorBody({ code, message }));
  }
  const names = allowed.join(', ').replace('GET', 'GET, HEAD');
  const message = `cannot do that at this address: use ${names}`;
  return answer(405, ERROR_CONTENT_TYPE, errorBody({ code: 'method-not-allowed', message }), {
    allow: names,
  });
}

/** A wrong request. */
export function badRequest(sentence: string, cause?: unknown): AirlockError {
  return new AirlockError('invalid', 'bad-request', sentence, { cause });
}

/** Reads a body of at most `max` bytes as text. Throws `too-large`. */
async function readText(c: DeviceContext, max: number): Promise<string> {
  const announced = c.req.header('content-length');
  // Node lets no more through than was announced.
  if (announced !== undefined) {
    if (!(Number(announced) <= max)) throw tooLarge(max);
    return c.req.text();
  }
  const stream = c.req.raw.body;
  if (stream === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks).toString('utf8');
    size += value.length;
    if (size > max) throw tooLarge(max);
    chunks.push(value);
  }
}

/** Reads a JSON body of at most `max` bytes, whatever its content type. Throws `too-large` and `bad-request`. */
export async function readJson(c: DeviceContext, max: number): Promise<unknown> {
  const text = await readText(c, max);
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw badRequest('cannot read the request: its body is not JSON', cause);
  }
}

function tooLarge(max: number): AirlockError {
  return new AirlockError(
    'too-large',
    'request-too-large',
    `cannot accept the request: its body has more than ${max} bytes`,
  );
}

/** A header of either family: `Snap-Device-X` of the newer API or `X-Ubuntu-X` of the older (devices.md section 0.1). */
export function deviceHeader(c: DeviceContext, newer: string, older: string): string | undefined {
  return c.req.header(newer) ?? c.req.header(older);
}

/** The architecture a device says it has; amd64 when it says none. */
export function architectureOf(c: DeviceContext): string {
  const named = deviceHeader(c, 'snap-device-architecture', 'x-ubuntu-architecture');
  return named !== undefined && /^[a-z0-9]{1,16}$/.test(named) ? named : 'amd64';
}

/** Whether the client understands being sent to a default track. */
export function followsDefaultTrack(c: DeviceContext): boolean {
  return c.req.header('snap-device-capabilities')?.includes('default-tracks') ?? false;
}

const ORIGIN = /^https?:\/\/[A-Za-z0-9._:[\]-]{1,255}$/;

/**
 * The address under which this very request came, without a slash at the end; where a front server that ends TLS is
 * trusted, the one under which it came there. Throws `bad-request`.
 */
export function originOf(c: DeviceContext, trustsForwardedProto = false): string {
  const { url } = c.req;
  const end = url.indexOf('/', 8);
  const origin = end < 0 ? url : url.slice(0, end);
  if (!ORIGIN.test(origin)) throw badRequest('cannot use the Host header: it names no host');
  const secure = trustsForwardedProto && c.req.header('x-forwarded-proto')?.toLowerCase() === 'https';
  return secure ? origin.replace(/^http:/, 'https:') : origin;
}
