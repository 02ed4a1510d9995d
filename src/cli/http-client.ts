import { z } from 'zod';

import type { ErrorKind } from '../errors.ts';
import { certificateFault, type CertificateFault } from '../certificate-fault.ts';
import { CliError } from './errors.ts';

/** Where an API is and who asks. */
export interface ServerAddress {
  /** Base address without a trailing slash. */
  readonly url: string;
  /** The whole `Authorization` header, if any. */
  readonly authorization?: string;
  /** What the person at the keyboard calls this server: "the store", "the authority". */
  readonly name: string;
  /** What to do when it does not answer. */
  readonly hint: string;
  /** Ends the waiting for any of its answers. */
  readonly signal: AbortSignal;
  /** The sentence for an address that it does not have, where that means something to people. */
  readonly absent?: string;
}

/** One request. A `json` body is sent as JSON; `body` is sent as it is. */
export interface ServerRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly json?: unknown;
  readonly body?: NonNullable<RequestInit['body']>;
  readonly headers?: Readonly<Record<string, string>>;
  /** An interrupt waits for this answer: it tells what was begun. */
  readonly untilAnswered?: true;
}

/** What is wrong with the server's certificate, and what to do. */
const CERTIFICATE_FAULTS: Readonly<Record<CertificateFault, string>> = {
  untrusted:
    'its certificate comes from a CA that this machine does not trust; name a file with that CA in NODE_EXTRA_CA_CERTS',
  expired: 'its certificate has expired; import another one there',
  'not-yet-valid': 'its certificate is not valid yet; check the clocks of this machine and of the server',
  'other-name':
    'its certificate is for another name; use that name, or import a certificate for this one there',
};

const errorItem = z.looseObject({ code: z.string().optional(), message: z.string() });
const errorBody = z.looseObject({
  'error-list': z.array(errorItem).optional(),
  error_list: z.array(errorItem).optional(),
  message: z.string().optional(),
  error: z.object({ message: z.string() }).loose().optional(),
});

/** A client of one of Airlock's HTTP interfaces: checked answers in, one clear sentence out when it refuses. */
export class HttpClient {
  readonly #server: ServerAddress;

  constructor(server: ServerAddress) {
    this.#server = server;
  }

  /** The base address, for sentences and links. */
  get url(): string {
    return this.#server.url;
  }

  /** Sends a request whose answer is JSON of a known shape. */
  async request<T>(path: string, schema: z.ZodType<T>, request: ServerRequest = {}): Promise<T> {
    const response = await this.send(path, request);
    const text = await response.text();
    const result = schema.safeParse(parseJson(text));
    if (result.success) return result.data;
    const where = result.error.issues[0]?.path.join('.') ?? '';
    const sentence = `cannot use the answer of ${this.#server.name} to ${path}: it has another shape${where && ` at ${where}`}; is it an Airlock of this version?`;
    throw new CliError('internal', 'answer-malformed', sentence, { cause: result.error });
  }

  /** Sends a request and ignores what a good answer says. */
  async perform(path: string, request: ServerRequest): Promise<void> {
    const response = await this.send(path, request);
    await response.body?.cancel();
  }

  /** Sends a request whose answer is text, such as an assertion. */
  async text(path: string, request: ServerRequest = {}): Promise<string> {
    return (await this.send(path, request)).text();
  }

  /**
   * Sends a request and returns any 2xx answer.
   *
   * @throws CliError `server-unreachable`, or `server-refused` with what the server says and the kind of its status
   */
  async send(path: string, request: ServerRequest = {}): Promise<Response> {
    const response = await this.#fetch(path, request);
    if (response.ok) return response;
    const said = refusal(parseJson(await response.text().catch(() => '')));
    const { name, absent } = this.#server;
    const unsaid =
      (response.status === 404 ? absent : undefined) ??
      `cannot do this: ${name} answered with status ${response.status}`;
    const sentence = said?.message ?? unsaid;
    throw new CliError(kindOf(response.status), 'server-refused', sentence, { told: said?.code });
  }

  async #fetch(path: string, request: ServerRequest): Promise<Response> {
    const { url, authorization, name, hint, signal } = this.#server;
    const headers = new Headers({
      'user-agent': 'airlock-cli',
      accept: 'application/json',
      ...request.headers,
    });
    if (authorization) headers.set('authorization', authorization);
    if (request.json !== undefined) headers.set('content-type', 'application/json');
    const body = request.json === undefined ? request.body : JSON.stringify(request.json);
    try {
      return await fetch(url + path, {
        method: request.method ?? 'GET',
        headers,
        redirect: 'error',
        ...(body === undefined ? {} : { body, duplex: 'half' }),
        ...(request.untilAnswered ? {} : { signal }),
      });
    } catch (cause) {
      if (signal.aborted && !request.untilAnswered) throw cause;
      const fault = certificateFault(cause);
      const why = fault === undefined ? hint : CERTIFICATE_FAULTS[fault];
      throw new CliError('unavailable', 'server-unreachable', `cannot reach ${name} at ${url}: ${why}`, {
        cause,
      });
    }
  }
}

/** The first code and the messages of either error envelope (protocol/operators.md, section 0, item 5). */
function refusal(
  body: unknown,
): { readonly code?: string | undefined; readonly message: string } | undefined {
  const parsed = errorBody.safeParse(body);
  if (!parsed.success) return undefined;
  const { data } = parsed;
  const items = [...(data['error-list'] ?? []), ...(data.error_list ?? [])];
  // Some servers say the same in both envelopes.
  const messages = new Set(items.map((item) => item.message));
  if (messages.size > 0) return { code: items[0]?.code, message: [...messages].join('; ') };
  const message = data.message ?? data.error?.message;
  return message === undefined ? undefined : { message };
}

function kindOf(status: number): ErrorKind {
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 403:
      return 'forbidden';
    case 404:
    case 410:
      return 'not-found';
    case 409:
      return 'conflict';
    case 413:
      return 'too-large';
    default:
      return status >= 500 ? (status === 500 ? 'internal' : 'unavailable') : 'invalid';
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
