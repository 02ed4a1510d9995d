import type { Context } from 'hono';
import { AirlockError, sentenceOf } from '../../errors.ts';
import { limitedBytes } from '../../limited-bytes.ts';

/** What it takes to ask the upstream. */
export interface ForwardDeps {
  /** For tests. */
  readonly fetch?: typeof fetch;
}

/** Whom a request goes on to. */
export type Receiver = 'upstream store' | 'device service';

/** A request as it goes on. */
export interface Onward {
  readonly target: string;
  readonly receiver: Receiver;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

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

/** The headers of a request or answer that go on. */
export function headersOf(from: Iterable<[string, string]>): Headers {
  const headers = new Headers();
  for (const [name, value] of from) if (!OWN_HEADERS.has(name)) headers.set(name, value);
  return headers;
}

/**
 * The body of a device's request; undefined for one that has none.
 * @throws AirlockError `body-too-large`
 */
export async function bodyOf(context: Context): Promise<Uint8Array | undefined> {
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

/**
 * Asks the upstream, or a device service. The upstream may send on to where its files lie; a device service leads nowhere, as what
 * it names is on no list of what is allowed.
 * @throws AirlockError `upstream-unreachable` or `device-service-unreachable`, which are 503: devices ask again; `device-service-moved`
 */
export async function forward(deps: ForwardDeps, onward: Onward): Promise<Response> {
  const { target, receiver, method, headers, body, signal } = onward;
  const answer = await (deps.fetch ?? fetch)(target, {
    method,
    headers,
    redirect: receiver === 'upstream store' ? 'follow' : 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  }).catch((cause: unknown) => {
    throw unreachable(receiver, cause);
  });
  const elsewhere = receiver === 'device service' ? answer.headers.get('location') : null;
  if (elsewhere === null || answer.status < 300 || answer.status >= 400) return answer;
  await answer.body?.cancel();
  throw new AirlockError(
    'forbidden',
    'device-service-moved',
    `cannot forward to the device service ${target}: it sends on to ${elsewhere.slice(0, 200)}; have devices name the address where it is now, and allow that`,
  );
}

/** The error for one that does not answer. */
export function unreachable(receiver: Receiver, cause: unknown): AirlockError {
  const why = sentenceOf(cause instanceof Error && cause.cause ? cause.cause : cause);
  return receiver === 'upstream store'
    ? new AirlockError('unavailable', 'upstream-unreachable', `cannot reach the upstream store: ${why}`, {
        cause,
      })
    : new AirlockError(
        'unavailable',
        'device-service-unreachable',
        `cannot reach the device service: ${why}`,
        { cause },
      );
}

/** An answer as it came. */
export function plainAnswer(answer: Response): Response {
  return new Response(answer.body, { status: answer.status, headers: headersOf(answer.headers) });
}

/**
 * The JSON of an answer.
 * @throws AirlockError `upstream-answer-malformed`
 */
export async function jsonOf(answer: Response): Promise<unknown> {
  const malformed = (why: string, cause?: unknown) =>
    new AirlockError(
      'unavailable',
      'upstream-answer-malformed',
      `cannot read the answer of the upstream store: ${why}`,
      { cause },
    );
  const bytes = await limitedBytes(answer.body, ANSWER_MAX, () => malformed('it is too long'));
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
}
