import { z } from 'zod';
import type { World } from './world.ts';

const refreshReply = z.object({
  results: z.array(z.looseObject({ result: z.string() })),
  'error-list': z.array(z.object({ code: z.string() })),
});

/** One result of a refresh, loosely. */
export type Result = z.output<typeof refreshReply>['results'][number];

/** Calls the store as snapd does, with or without a session. */
export class Client {
  readonly #world: World;
  readonly #headers: Record<string, string>;

  constructor(world: World, session?: string, headers: Record<string, string> = {}) {
    this.#world = world;
    this.#headers = {
      'snap-device-architecture': 'amd64',
      'snap-device-capabilities': 'default-tracks',
      ...(session !== undefined && { 'snap-device-authorization': `Macaroon root="${session}"` }),
      ...headers,
    };
  }

  /** GET, or POST when there is a body. */
  ask(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.#world.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...this.#headers, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }

  /** Runs actions and returns the results; every answer to a well-formed request is 200. */
  async refresh(actions: readonly object[], more: object = {}, headers: Record<string, string> = {}) {
    const reply = await this.ask('/v2/snaps/refresh', { context: [], actions, ...more }, headers);
    const text = await reply.text();
    if (reply.status !== 200) throw new Error(`${reply.status} ${text}`);
    return refreshReply.parse(JSON.parse(text));
  }

  /** What one install leads to. */
  async install(action: object): Promise<Result> {
    const { results } = await this.refresh([{ action: 'install', 'instance-key': 'i', ...action }]);
    if (results[0] === undefined) throw new Error('no result');
    return results[0];
  }
}
