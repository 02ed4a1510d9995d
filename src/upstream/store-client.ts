import {
  ASSERTION_MEDIA_TYPE,
  decodeAssertion,
  type Assertion,
  type AssertionRef,
  refWords,
} from '../assertions/index.ts';
import {
  ANSWER_MAX,
  FIELDS,
  jsonOf,
  limited,
  refreshSchema,
  resultSchema,
  snapNamesSchema,
  snapSchema,
  storeAdminSchema,
  type StoreAdminFacts,
  type UpstreamSnap,
} from './answers.ts';
import { UpstreamConnection, type UpstreamOptions } from './connection.ts';
import { UpstreamError } from './errors.ts';
import { refusalOf, storeNotSeen, TO_ADMINISTER, TO_VIEW, type Need } from './refusals.ts';

const ASSERTION_MAX = 3 * 2 ** 20;
/** Bytes from which on a connection of its own is worth what it takes to make it. */
const LARGE_BYTES = 2 ** 21;

/** What to look for. */
export interface SnapWish {
  readonly name: string;
  /** Full name, such as latest/stable. */
  readonly channel: string;
  readonly architecture: string;
}

/** A client of another store: the public one or an authority. It speaks as devices do (protocol/devices.md 3). */
export class StoreClient {
  readonly #connection: UpstreamConnection;

  constructor(options: UpstreamOptions) {
    this.#connection = new UpstreamConnection(options);
  }

  /**
   * What a channel holds for an architecture.
   * @throws UpstreamError `snap-not-upstream`, which names the role to ask for where there is a login
   */
  async resolve(wish: SnapWish, signal: AbortSignal): Promise<UpstreamSnap> {
    const snap = await this.#resolve(wish, signal);
    if (snap.name === wish.name) return snap;
    throw new UpstreamError(
      'upstream-answer-malformed',
      `cannot use the answer of ${this.#connection.url} about ${wish.name}: it is about ${snap.name}`,
    );
  }

  async #resolve(wish: SnapWish, signal: AbortSignal): Promise<UpstreamSnap> {
    const { login, store } = this.#connection;
    if (login !== undefined && store !== undefined) {
      const found = await this.#carried(wish, store, signal);
      if (found !== undefined) return found;
    }
    const body = {
      context: [],
      actions: [
        {
          action: 'download',
          'instance-key': 'download-1',
          name: wish.name,
          channel: wish.channel,
          epoch: null,
        },
      ],
      fields: FIELDS,
    };
    const response = await this.#connection.send(
      '/v2/snaps/refresh',
      {
        method: 'POST',
        body: JSON.stringify(body),
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'snap-device-series': '16',
          'snap-device-architecture': wish.architecture,
        },
      },
      signal,
    );
    const answer = refreshSchema.safeParse(await jsonOf(response));
    const [said] = answer.success ? (answer.data.results ?? []) : [];
    // snapd's own fake store says nothing at all about a snap that it does not have.
    if (answer.success && said === undefined) throw this.#notFound(wish, undefined);
    const result = resultSchema.safeParse(said);
    if (!answer.success || !result.success)
      throw new UpstreamError(
        'upstream-answer-malformed',
        `cannot read the answer of ${this.#connection.url} about ${wish.name}`,
      );
    const { snap, error, 'released-at': releasedAt, 'effective-channel': effective } = result.data;
    if (snap !== undefined && error === undefined)
      return { ...snap, 'released-at': releasedAt, 'effective-channel': effective };
    // Of a snap that it does not show, a store says that there is none of that name.
    if (error?.code === 'revision-not-found')
      throw this.#notThere(wish, `${error.message}; check channel and architecture`);
    throw this.#notFound(wish, error?.message);
  }

  /** What an authority of ours gives to who may see the store; undefined when the upstream is another kind of store. */
  async #carried(wish: SnapWish, store: string, signal: AbortSignal): Promise<UpstreamSnap | undefined> {
    const query = new URLSearchParams({ channel: wish.channel, architecture: wish.architecture });
    const path = `/carry/v1/stores/${encodeURIComponent(store)}/snaps/${encodeURIComponent(wish.name)}?${query.toString()}`;
    const response = await this.#connection.fetch(`${this.#connection.url}${path}`, {}, signal);
    if (response.status === 404) {
      const said = await refusalOf(response);
      if (said?.code === 'store-unknown') throw this.#notThere(wish, this.#notSeen(store, TO_VIEW));
      if (said?.code === 'snap-unknown')
        throw this.#notThere(wish, `${said.message}; check its name, and that the store includes it`);
      return undefined;
    }
    await this.#connection.requireGood(response, wish.name);
    const snap = snapSchema.safeParse(await jsonOf(response));
    if (!snap.success)
      throw new UpstreamError(
        'upstream-answer-malformed',
        `cannot read the answer of ${this.#connection.url} about ${wish.name}`,
      );
    const { download, resources } = snap.data;
    const absolute = (file: typeof download) => ({
      ...file,
      url: new URL(file.url, this.#connection.url).href,
    });
    return {
      ...snap.data,
      download: absolute(download),
      resources: resources?.map((one) => ({ ...one, download: absolute(one.download) })),
    };
  }

  /**
   * The names of all snaps that a store's export brings, from an authority of ours, and what it says about those that it does not.
   * @throws UpstreamError `snaps-not-listed`, `role-missing`
   */
  async snapNames(
    store: string,
    signal: AbortSignal,
  ): Promise<{ readonly names: readonly string[]; readonly warnings: readonly string[] }> {
    const path = `/carry/v1/stores/${encodeURIComponent(store)}/snaps`;
    const response = await this.#connection.fetch(`${this.#connection.url}${path}`, {}, signal);
    if (response.status === 404) {
      const isOurs = (await refusalOf(response))?.code === 'store-unknown';
      const why = isOurs
        ? this.#notSeen(store, TO_VIEW)
        : `${this.#connection.url} is no authority that lists them; name the snaps`;
      throw new UpstreamError('snaps-not-listed', `cannot fetch all snaps of store ${store}: ${why}`);
    }
    await this.#connection.requireGood(response, `the snaps of store ${store}`);
    const said = snapNamesSchema.safeParse(await jsonOf(response));
    if (said.success) return { names: said.data.snaps.map(({ name }) => name), warnings: said.data.warnings };
    throw new UpstreamError(
      'upstream-answer-malformed',
      `cannot read the answer of ${this.#connection.url} about the snaps of store ${store}`,
    );
  }

  /**
   * The signed metadata file of a store, from an authority of ours.
   * @throws UpstreamError `metadata-not-offered`, `role-missing`
   */
  async metadata(store: string, signal: AbortSignal): Promise<string> {
    const response = await this.#asAdmin(store, 'metadata', signal);
    return new TextDecoder().decode(await limited(response, 4 * ANSWER_MAX));
  }

  /**
   * Who the log-in is, as an admin of the store.
   * @throws UpstreamError `metadata-not-offered`, `role-missing`
   */
  async storeAdmin(store: string, signal: AbortSignal): Promise<StoreAdminFacts> {
    const said = storeAdminSchema.safeParse(await jsonOf(await this.#asAdmin(store, 'admin', signal)));
    if (said.success) return said.data;
    throw new UpstreamError(
      'upstream-answer-malformed',
      `cannot read the answer of ${this.#connection.url} about the admin of store ${store}`,
    );
  }

  async #asAdmin(store: string, what: 'metadata' | 'admin', signal: AbortSignal): Promise<Response> {
    const path = `/carry/v1/stores/${encodeURIComponent(store)}/${what}`;
    const response = await this.#connection.fetch(`${this.#connection.url}${path}`, {}, signal);
    if (response.status === 404) {
      const isOurs = (await refusalOf(response))?.code === 'store-unknown';
      const why = isOurs
        ? this.#notSeen(store, TO_ADMINISTER)
        : `${this.#connection.url} is no authority that offers metadata`;
      throw new UpstreamError('metadata-not-offered', `cannot fetch the metadata of store ${store}: ${why}`);
    }
    await this.#connection.requireGood(response, `the metadata of store ${store}`, TO_ADMINISTER);
    return response;
  }

  /** One assertion in its newest revision, or undefined. */
  async assertion(ref: AssertionRef, signal: AbortSignal): Promise<Assertion | undefined> {
    const path = ['', 'v2', 'assertions', ref.type, ...ref.primaryKey.map(encodeURIComponent)].join('/');
    const response = await this.#connection.fetch(
      `${this.#connection.url}${path}`,
      { headers: { accept: ASSERTION_MEDIA_TYPE } },
      signal,
    );
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    await this.#connection.requireGood(response, refWords(ref));
    return decodeAssertion(await limited(response, ASSERTION_MAX));
  }

  /**
   * Opens the bytes of a file from `offset` on. The credential goes to the upstream's own host only.
   * @param wanted a file of so many bytes; large ones come on a connection of their own
   * @returns the answer, each piece of which is good until the next is asked for, and the offset that it really begins at: 0 when
   *   the server ignores ranges
   */
  async open(
    { url, offset, size }: { readonly url: string; readonly offset: number; readonly size: number },
    signal: AbortSignal,
  ): Promise<{ body: AsyncIterable<Uint8Array>; offset: number }> {
    const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    const begun = (status: number) => (status === 206 ? offset : 0);
    if (size - offset >= LARGE_BYTES) {
      const large = await this.#connection.askPlainly(url, headers, signal);
      if (large !== undefined) return { body: large.body, offset: begun(large.status) };
    }
    const response = await this.#connection.fetch(
      url,
      { headers },
      signal,
      this.#connection.isOwn(url),
      false,
    );
    await this.#connection.requireGood(response, url);
    if (response.body === null)
      throw new UpstreamError('upstream-answer-malformed', `cannot download ${url}: the answer is empty`);
    return { body: response.body, offset: begun(response.status) };
  }

  #notFound(wish: SnapWish, said: string | undefined): UpstreamError {
    const { login, store } = this.#connection;
    const hint =
      login === undefined
        ? 'a private snap needs --auth and --store'
        : `the account of the login file must have the role Viewer in ${store === undefined ? 'the store of the snap, named by --store' : `store ${store}`}`;
    return this.#notThere(wish, `${said ?? 'it is not there'}; ${hint}`);
  }

  #notThere({ name, channel, architecture }: SnapWish, why: string): UpstreamError {
    return new UpstreamError(
      'snap-not-upstream',
      `cannot fetch ${name} (${channel} ${architecture}): ${why}`,
    );
  }

  #notSeen(store: string, need: Need): string {
    return storeNotSeen(this.#connection.url, store, need);
  }
}
