import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { CrashPoint } from '../../src/activities/crash-point.ts';
import { command, Server } from '../support/programs.ts';
import type { Seeded } from './seeded.ts';

/** One host as an operator runs it: an appliance that does no work itself, and a worker that may die. */
export class Site {
  readonly data: string;
  readonly url: string;
  /** How often the worker was killed. */
  kills = 0;
  readonly #appliance: Server;
  #worker: Server | undefined;

  private constructor(data: string, appliance: Server) {
    this.data = data;
    this.#appliance = appliance;
    this.url = appliance.url;
  }

  static async open(data: string, role: 'authority' | 'online' | 'airgap'): Promise<Site> {
    const ports = ['--port', '0', '--https-port', '0', '--temporal-port', '0', '--temporal-ui-port', '0'];
    const args = ['up', '--role', role, '--data', data, ...ports, '--no-worker'];
    const site = new Site(data, await Server.start(args, { AIRLOCK_LOG_LEVEL: 'error' }));
    onTestFinished(() => site.close());
    return site;
  }

  /** Runs a command of the operator, which must succeed. */
  async run(program: 'airlock' | 'snap-store-proxy' | 'store-admin', ...args: string[]): Promise<string> {
    const outcome = await command(program, args, { env: { AIRLOCK_DATA: this.data } });
    if (outcome.status !== 0)
      throw new Error(
        `${program} ${args.slice(0, 3).join(' ')} ended with ${outcome.status}: ${outcome.stderr}`,
      );
    return outcome.stdout;
  }

  /** Starts the worker, where none runs. */
  async work(): Promise<void> {
    if (this.#worker?.running) return;
    this.#worker = await Server.start(['worker', '--data', this.data], { AIRLOCK_LOG_LEVEL: 'fatal' });
  }

  /** Ends the worker as a power cut would. */
  async kill(): Promise<void> {
    if (!this.#worker?.running) return;
    process.kill(this.#worker.pid, 'SIGKILL');
    await this.#worker.ended();
    this.kills += 1;
  }

  /** Does something while the worker dies at moments that chance picks, so often at most; then it lives. */
  async amid<Answer>(chance: Seeded, kills: number, work: () => Promise<Answer>): Promise<Answer> {
    await this.work();
    const over = new AbortController();
    const trouble = this.#trouble(chance, kills, over.signal);
    try {
      return await work();
    } finally {
      over.abort();
      await trouble;
      await this.work();
    }
  }

  async #trouble(chance: Seeded, kills: number, over: AbortSignal): Promise<void> {
    for (let kill = 0; kill < kills; kill++) {
      const waited = await sleep(chance.between(1500, 12_000), true, { signal: over }).catch(() => false);
      if (!waited) return;
      await this.kill();
      await this.work();
    }
  }

  /** Does something that makes the worker die at that place, and another take over from it. */
  async dyingAt<Answer>(point: CrashPoint, work: () => Promise<Answer>): Promise<Answer> {
    await this.#worker?.stop();
    const env = { AIRLOCK_LOG_LEVEL: 'fatal', AIRLOCK_CRASH_POINT: point };
    const mortal = await Server.start(['worker', '--data', this.data], env);
    this.#worker = mortal;
    const successor = async () => {
      await mortal.ended();
      this.kills += 1;
      await this.work();
    };
    const [answer] = await Promise.all([work(), successor()]);
    return answer;
  }

  /** Stops everything. */
  async close(): Promise<void> {
    await this.#worker?.stop();
    await this.#appliance.stop();
  }

  /** A path below the data folder's own folder. */
  beside(name: string): string {
    return join(this.data, '..', name);
  }
}
