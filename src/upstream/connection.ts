import { sentenceOf } from '../errors.ts';
import { isUntrustedCertificate } from '../untrusted-certificate.ts';
import { UpstreamError } from './errors.ts';
import type { Login } from './login-file.ts';

/** Where the other store is, and who asks. */
export interface UpstreamOptions {
  readonly url: string;
  readonly login?: Login | undefined;
  /** Brand store to look in; the general one without. */
  readonly store?: string | undefined;
  /** For tests. */
  readonly fetch?: typeof fetch;
}

const ANSWER_MS = 30_000;

/** Requests to another store, with the log-in where there is one, and what its refusals mean. */
export class UpstreamConnection {
  readonly #options: UpstreamOptions;
  /** Without a slash at its end. */
  readonly url: string;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.url = options.url.replace(/\/+$/, '');
  }

  get login(): Login | undefined {
    return this.#options.login;
  }

  get store(): string | undefined {
    return this.#options.store;
  }

  /** A request whose answer must be a good one. */
  async send(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    const response = await this.fetch(`${this.url}${path}`, init, signal);
    await this.requireGood(response, path);
    return response;
  }

  /** @throws UpstreamError what the status of a bad answer means */
  async requireGood(response: Response, what: string): Promise<void> {
    if (response.ok) return;
    await response.body?.cancel();
    const { status } = response;
    if (status === 401)
      throw new UpstreamError(
        'login-refused',
        `cannot use the login file at ${this.url}: it was refused or has ended; export it again`,
      );
    if (status === 403)
      throw new UpstreamError(
        'role-missing',
        `cannot fetch ${what}: the account of the login file lacks the role Viewer, or the login lacks the permission package_access`,
      );
    throw new UpstreamError(
      status >= 500 || status === 429 ? 'upstream-unreachable' : 'upstream-refused',
      `cannot fetch ${what} from ${this.url}: it answered with status ${status}`,
    );
  }

  /**
   * @param withLogin whether the credential goes along: to the upstream's own host only
   * @param deadline whether the answer must be here in half a minute: not for files
   */
  async fetch(
    url: string,
    init: RequestInit,
    signal: AbortSignal,
    withLogin = true,
    deadline = true,
  ): Promise<Response> {
    const { login, store } = this.#options;
    const headers = new Headers(init.headers);
    headers.set('user-agent', 'airlock');
    if (withLogin && login !== undefined) headers.set('authorization', login.authorization);
    if (withLogin && store !== undefined) {
      headers.set('snap-device-store', store);
      headers.set('x-ubuntu-store', store);
    }
    try {
      const signals = deadline ? AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) : signal;
      return await (this.#options.fetch ?? fetch)(url, { ...init, headers, signal: signals });
    } catch (cause) {
      signal.throwIfAborted();
      if (isUntrustedCertificate(cause))
        throw new UpstreamError(
          'upstream-unreachable',
          `cannot reach ${this.url}: its certificate comes from a CA that this host does not trust; give that CA to "snap-store-proxy use-ca-certs"`,
          cause,
        );
      throw new UpstreamError(
        'upstream-unreachable',
        `cannot reach ${this.url}: ${sentenceOf(cause instanceof Error && cause.cause ? cause.cause : cause)}; check proxy.upstream and the network`,
        cause,
      );
    }
  }
}
