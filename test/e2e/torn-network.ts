import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { endTogether } from '../support/joined-sockets.ts';
import type { Seeded } from './seeded.ts';

/** A way through the loopback that breaks: connections end after some bytes, and now and then all of them at once. */
export class TornNetwork {
  readonly url: string;
  /** How often a connection was cut. */
  cuts = 0;
  #torn = false;
  readonly #open = new Set<Socket>();

  private constructor(url: string) {
    this.url = url;
  }

  /** A network before the server at `target`; whole until it is torn. */
  static async before(target: string, chance: Seeded): Promise<TornNetwork> {
    const { hostname, port } = new URL(target);
    const server = createServer((client) => network.#join(client, connect(Number(port), hostname), chance));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
    onTestFinished(() => network.cutAll());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('it listens nowhere');
    const network = new TornNetwork(`http://127.0.0.1:${address.port}`);
    return network;
  }

  /** Tears it, or mends it. */
  tear(torn: boolean): void {
    this.#torn = torn;
  }

  /** Does something while all connections break at moments that chance picks, so often at most. */
  async amid<Answer>(chance: Seeded, cuts: number, work: () => Promise<Answer>): Promise<Answer> {
    const over = new AbortController();
    const trouble = this.#trouble(chance, cuts, over.signal);
    try {
      return await work();
    } finally {
      over.abort();
      await trouble;
    }
  }

  async #trouble(chance: Seeded, cuts: number, over: AbortSignal): Promise<void> {
    for (let cut = 0; cut < cuts; cut++) {
      const waited = await sleep(chance.between(2000, 15_000), true, { signal: over }).catch(() => false);
      if (!waited) return;
      this.cutAll();
    }
  }

  /** Ends every connection. */
  cutAll(): void {
    for (const client of this.#open) {
      this.cuts += 1;
      client.destroy();
    }
  }

  #join(client: Socket, server: Socket, chance: Seeded): void {
    let left = this.#torn ? chance.between(1_000_000, 150_000_000) : Number.POSITIVE_INFINITY;
    this.#open.add(client);
    client.on('close', () => this.#open.delete(client));
    server.on('data', (chunk) => {
      left -= chunk.length;
      if (left < 0) {
        this.cuts += 1;
        client.destroy();
      } else if (!client.write(chunk)) {
        server.pause();
        client.once('drain', () => server.resume());
      }
    });
    client.on('data', (chunk) => server.write(chunk));
    endTogether(client, server);
  }
}
