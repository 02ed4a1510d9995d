import { sentenceOf } from '../errors.ts';
import { certificateFault } from '../certificate-fault.ts';
import { UpstreamError } from './errors.ts';
import type { Login } from './login-file.ts';
import { asksForRefresh, refreshed, type LoginRefresh } from './login-refresh.ts';
import { askPlainly, type PlainAnswer } from './plain-answer.ts';
import { refusalOf, roleMissing, TO_VIEW } from './refusals.ts';

/** Who wants to know whether the other store answers at all. */
export interface UpstreamWatch {
  /** It has been silent for some seconds; the sentence says where it was looked for. */
  readonly onSilence: (sentence: string) => void;
  /** It answered, whatever it said. */
  readonly onAnswer: () => void;
}

/** Where the other store is, and who asks. */
export interface UpstreamOptions {
  readonly url: string;
  readonly login?: Login | undefined;
  /** How the log-in is refreshed; without it an exhausted one is refused. */
  readonly refresh?: LoginRefresh | undefined;
  /** Brand store to look in; the general one without. */
  readonly store?: string | undefined;
  readonly watch?: UpstreamWatch | undefined;
}

const ANSWER_MS = 30_000;
/** A silence that is worth a word. */
const SILENCE_MS = 3_000;
/** From one place to the next, at most. */
const HOPS = 10;

/** Requests to another store, with the log-in where there is one, and what its refusals mean. */
export class UpstreamConnection {
  readonly #options: UpstreamOptions;
  #login: Login | undefined;
  /** The refresh that is under way or was made: one for all requests that meet the same exhausted discharge. */
  #refresh: Promise<Login> | undefined;
  /** Without a slash at its end. */
  readonly url: string;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#login = options.login;
    this.url = options.url.replace(/\/+$/, '');
  }

  get login(): Login | undefined {
    return this.#login;
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

  /**
   * @param need what the log-in must have for this
   * @param verb what was tried with it
   * @throws UpstreamError what the status of a bad answer means
   */
  async requireGood(response: Response, what: string, need = TO_VIEW, verb = 'fetch'): Promise<void> {
    if (response.ok) return;
    const { status } = response;
    if (status === 403)
      throw roleMissing(`${verb} ${what}`, (await refusalOf(response))?.code, need, this.store);
    await response.body?.cancel();
    if (status === 401)
      throw new UpstreamError(
        'login-refused',
        `cannot use the login file at ${this.url}: it was refused or has ended; export it again`,
      );
    throw new UpstreamError(
      status >= 500 || status === 429 ? 'upstream-unreachable' : 'upstream-refused',
      `cannot ${verb} ${what} from ${this.url}: it answered with status ${status}`,
    );
  }

  /**
   * A request, made once more with a refreshed log-in where the upstream says that the discharge of this one is exhausted.
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
    const login = withLogin ? this.#login : undefined;
    const response = await this.#fetch(url, init, signal, withLogin, deadline);
    const { refresh } = this.#options;
    if (response.status !== 401 || login?.file.discharge === undefined || refresh === undefined)
      return response;
    const isStale = await asksForRefresh(response);
    if (isStale && (await this.#refreshed(login, refresh, signal)))
      return this.#fetch(url, init, signal, withLogin, deadline);
    // It was read, and its status says all that there is to say.
    return new Response(null, { status: response.status, headers: response.headers });
  }

  /** Whether there is another log-in than the one that was used: a discharge is refreshed once, whatever comes of it. */
  async #refreshed(used: Login, refresh: LoginRefresh, signal: AbortSignal): Promise<boolean> {
    this.#refresh ??= refreshed(used, refresh, signal);
    this.#login = await this.#refresh;
    return this.#login !== used;
  }

  async #fetch(
    url: string,
    init: RequestInit,
    signal: AbortSignal,
    withLogin: boolean,
    deadline: boolean,
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(this.#who(withLogin))) headers.set(name, value);
    const { watch } = this.#options;
    const silence = watch && setTimeout(() => watch.onSilence(this.#silent()), SILENCE_MS);
    try {
      const signals = deadline ? AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) : signal;
      const response = await fetch(url, { ...init, headers, signal: signals });
      watch?.onAnswer();
      return response;
    } catch (cause) {
      signal.throwIfAborted();
      if (certificateFault(cause) === 'untrusted')
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
    } finally {
      clearTimeout(silence);
    }
  }

  #silent(): string {
    return `cannot reach ${this.url}: it has not answered yet`;
  }

  /**
   * Asks for a large file on a connection of its own, to wherever the upstream leads by HTTP. TLS makes a buffer for each record
   * that it opens, so there is nothing to be had by it.
   * @returns undefined where the answer, or that there is none, is for `fetch` to understand
   */
  async askPlainly(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Extract<PlainAnswer, { readonly kind: 'bytes' }> | undefined> {
    let place = new URL(url);
    try {
      for (let hop = 0; hop < HOPS && isReachedPlainly(place); hop++) {
        const answer = await askPlainly(place, { ...headers, ...this.#who(this.isOwn(place.href)) }, signal);
        if (answer.kind === 'bytes') return answer;
        if (answer.kind === 'other') return undefined;
        place = answer.url;
      }
    } catch {
      signal.throwIfAborted();
    }
    return undefined;
  }

  /** Whether an address is of the upstream's own host. */
  isOwn(url: string): boolean {
    return new URL(url).origin === new URL(this.url).origin;
  }

  /** What says who asks. */
  #who(withLogin: boolean): Readonly<Record<string, string>> {
    const { store } = this.#options;
    const login = this.#login;
    return {
      'user-agent': 'airlock',
      ...(withLogin && login !== undefined && { authorization: login.authorization }),
      ...(withLogin && store !== undefined && { 'snap-device-store': store, 'x-ubuntu-store': store }),
    };
  }
}

function isReachedPlainly({ protocol }: URL): boolean {
  // Node sends what `fetch` asks through the proxies of the environment then, and nothing else knows which.
  return protocol === 'http:' && process.env['NODE_USE_ENV_PROXY'] !== '1';
}
