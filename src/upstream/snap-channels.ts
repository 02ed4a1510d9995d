import { ANY_ARCHITECTURE, parseChannel, type Channel } from '../snaps/index.ts';
import { architecturesSchema, carriedChannelsSchema, infoSchema, jsonOf } from './answers.ts';
import { UpstreamConnection, type UpstreamOptions } from './connection.ts';
import { UpstreamError } from './errors.ts';
import { refusalOf, storeNotSeen, TO_VIEW } from './refusals.ts';

/** What the channels of a snap hold in another store. */
export interface SnapChannels {
  readonly snapId: string;
  readonly releases: readonly {
    readonly channel: Channel;
    readonly architecture: string;
    readonly revision: number;
  }[];
  /** The architectures of each revision, where the other store lists them. */
  readonly revisions: ReadonlyMap<number, readonly string[]> | undefined;
}

/** Most architectures that are tried to find out which a revision is for. */
const ARCHITECTURES_MAX = 16;
const SERIES = { 'snap-device-series': '16' };

/** Asks another store about channels and revisions of a snap that is to be overridden. */
export class SnapChannelClient {
  readonly #connection: UpstreamConnection;

  constructor(options: UpstreamOptions) {
    this.#connection = new UpstreamConnection(options);
  }

  /**
   * Every channel with what it holds for each architecture; undefined when there is no such snap for the asker.
   * @throws UpstreamError `role-missing`, and `snap-not-upstream` that names the role, where the log-in is not good enough for the store
   */
  async channels(name: string, signal: AbortSignal): Promise<SnapChannels | undefined> {
    const { url, login, store } = this.#connection;
    if (login !== undefined && store !== undefined) {
      const carried = await this.#carried(name, store, signal);
      if (carried !== undefined) return carried;
    }
    const path = `/v2/snaps/info/${encodeURIComponent(name)}?fields=revision`;
    const response = await this.#connection.fetch(`${url}${path}`, { headers: SERIES }, signal);
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    await this.#connection.requireGood(response, name);
    const info = infoSchema.safeParse(await jsonOf(response));
    if (!info.success) throw this.#malformed(name);
    const releases = info.data['channel-map'].map(({ channel, revision }) => ({
      channel: parseChannel(channel.name),
      architecture: channel.architecture,
      revision,
    }));
    return { snapId: info.data['snap-id'], releases, revisions: undefined };
  }

  /** What an authority of ours tells to who may see the store; undefined when the upstream is another kind of store. */
  async #carried(name: string, store: string, signal: AbortSignal): Promise<SnapChannels | undefined> {
    const path = `/carry/v1/stores/${encodeURIComponent(store)}/snaps/${encodeURIComponent(name)}/channels`;
    const response = await this.#connection.fetch(`${this.#connection.url}${path}`, {}, signal);
    if (response.status === 404) {
      if ((await refusalOf(response))?.code !== 'store-unknown') return undefined;
      throw new UpstreamError(
        'snap-not-upstream',
        `cannot override ${name}: ${storeNotSeen(this.#connection.url, store, TO_VIEW)}`,
      );
    }
    await this.#connection.requireGood(response, name, TO_VIEW, 'override');
    const said = carriedChannelsSchema.safeParse(await jsonOf(response));
    if (!said.success) throw this.#malformed(name);
    return {
      snapId: said.data['snap-id'],
      releases: said.data.releases.map((one) => ({ ...one, channel: parseChannel(one.channel) })),
      revisions: new Map(said.data.revisions.map((one) => [one.revision, one.architectures])),
    };
  }

  /**
   * The architectures that a revision is for; none when there is no such revision. A store gives a revision to a device of its
   * own architecture only, so those that the snap has are tried.
   * @throws UpstreamError
   */
  async architecturesOf(
    name: string,
    revision: number,
    tried: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const devices = new Set([...tried].map((one) => (one === ANY_ARCHITECTURE ? 'amd64' : one)));
    for (const architecture of [...devices].slice(0, ARCHITECTURES_MAX)) {
      const action = { action: 'download', 'instance-key': 'download-1', name, revision, epoch: null };
      const response = await this.#connection.send(
        '/v2/snaps/refresh',
        {
          method: 'POST',
          body: JSON.stringify({ context: [], actions: [action], fields: ['architectures', 'revision'] }),
          headers: {
            ...SERIES,
            'content-type': 'application/json',
            'snap-device-architecture': architecture,
          },
        },
        signal,
      );
      const answer = architecturesSchema.safeParse(await jsonOf(response));
      if (!answer.success) throw this.#malformed(name);
      const [{ snap }] = answer.data.results;
      if (snap?.revision === revision)
        return snap.architectures.length > 0 ? snap.architectures : [architecture];
    }
    return [];
  }

  #malformed(name: string): UpstreamError {
    return new UpstreamError(
      'upstream-answer-malformed',
      `cannot read the answer of ${this.#connection.url} about ${name}`,
    );
  }
}
