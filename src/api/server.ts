import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { AirlockError, sentenceOf } from '../errors.ts';

/** Certificate chain and key, PEM. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

/** How to listen. */
export interface ServerOptions {
  /** Answers requests: the `fetch` of a Hono app. */
  readonly fetch: (request: Request, bindings: HttpBindings) => Response | Promise<Response>;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Certificate chain and key, PEM; plain HTTP without. */
  readonly tls?: ServerCertificate | undefined;
  /** Open connections beyond this number are refused; 10,000 unless told. */
  readonly maxConnections?: number;
}

/** A listening server. */
export interface RunningServer {
  /** `http://HOST:PORT` or `https://HOST:PORT`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Shows another certificate to whoever connects from now on; nothing where HTTP is plain. */
  setCertificate(tls: ServerCertificate): void;
  /**
   * Stops accepting, lets what is in flight finish for at most `graceMs` (10 s unless told), then cuts what is left.
   */
  close(graceMs?: number): Promise<void>;
}

/** snapd sends the head of a request in one go; who takes longer than this is not snapd. */
const HEADERS_TIMEOUT_MS = 20_000;
/** For a whole request with its body; answers (downloads) may take as long as they like. */
const REQUEST_TIMEOUT_MS = 120_000;
/** Between two looks at whether a connection of a server that ends has become idle, milliseconds. */
const IDLE_LOOK_MS = 50;
const KEEP_ALIVE_MS = 75_000;
const HEADER_BYTES_MAX = 32 * 1024;
const HEADER_COUNT_MAX = 200;

/**
 * Starts to listen, with limits on time, size and number of what comes in.
 * @throws AirlockError `listen-failed` when the address is taken or not ours
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const listener = getRequestListener((request, bindings) => options.fetch(request, asHttp1(bindings)), {
    hostname: options.host,
  });
  const settings = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void =>
    void listener(request, response);
  const secure = options.tls
    ? createHttpsServer({ ...settings, ...options.tls, minVersion: 'TLSv1.2' }, handle)
    : undefined;
  const server: Server = secure ?? createHttpServer(settings, handle);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxHeadersCount = HEADER_COUNT_MAX;
  server.maxConnections = options.maxConnections ?? 10_000;
  const { port } = await listen(server, options);
  const scheme = options.tls ? 'https' : 'http';
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${scheme}://${host}:${port}`,
    port,
    setCertificate: ({ cert, key }) => secure?.setSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
    close: (graceMs = 10_000) => close(server, graceMs),
  };
}

function asHttp1(bindings: unknown): HttpBindings {
  if (isHttp1(bindings)) return bindings;
  throw new TypeError('internal error: a request did not come over HTTP/1');
}

function isHttp1(bindings: unknown): bindings is HttpBindings {
  return (
    typeof bindings === 'object' && bindings !== null && 'incoming' in bindings && 'outgoing' in bindings
  );
}

function listen(server: Server, { host, port }: ServerOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const sentence = `cannot listen on ${host}:${port}: ${whyNot(cause)}`;
      reject(new AirlockError('unavailable', 'listen-failed', sentence, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === 'string')
        reject(new TypeError('internal error: no TCP address'));
      else resolve(address);
    });
  });
}

/** What keeps a port from being opened, and what to do. */
function whyNot(cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case 'EADDRINUSE':
      return 'another program listens there; stop it, or choose another port';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; choose another';
    case 'EACCES':
      return 'this user may not; choose a port from 1024 on';
    default:
      return sentenceOf(cause);
  }
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Who had a request in flight keeps the connection for another one, and would be waited for until the end of the grace.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
