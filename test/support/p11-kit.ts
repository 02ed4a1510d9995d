import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { childrenOf, describeProcess, eventually } from './processes.ts';
import type { TestToken } from './softhsm-token.ts';

/**
 * A p11-kit server in front of a test token. The server forks one process for each connection; these live on when the
 * server dies, as in production, and are ended by {@link P11KitServer.close}.
 */
export class P11KitServer {
  readonly socket: string;
  readonly address: string;
  readonly #token: TestToken;
  readonly #remotes = new Set<number>();
  #server: ChildProcess | undefined;

  constructor(token: TestToken, folder: string, name = `${token.label}.sock`) {
    this.#token = token;
    this.socket = join(folder, name);
    this.address = `unix:path=${this.socket}`;
  }

  /** Starts the server and waits for its socket; a stale socket is left in its way. */
  async start(): Promise<void> {
    const token = `pkcs11:token=${encodeURIComponent(this.#token.label)}`;
    const server = spawn(
      'p11-kit',
      ['server', '--provider', this.#token.modulePath, '-f', '-n', this.socket, token],
      {
        env: { PATH: process.env['PATH'], ...this.#token.env },
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    this.#server = server;
    const [line] = await once(server.stdout, 'data');
    if (!String(line).includes(this.socket)) throw new Error(`the p11-kit server said ${String(line)}`);
    await eventually('the socket of the p11-kit server', () => existsSync(this.socket));
  }

  /** The processes of the connections that are open now. */
  remotes(): number[] {
    const pid = this.#server?.pid;
    const live = pid === undefined ? [] : childrenOf(pid).map((child) => child.pid);
    for (const remote of live) this.#remotes.add(remote);
    return live;
  }

  /** Sends a signal to the server itself, not to its connections. */
  signal(signal: NodeJS.Signals): void {
    this.remotes();
    this.#server?.kill(signal);
  }

  /** Ends the server at once, which leaves its socket behind. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.signal('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    this.#server = undefined;
  }

  /** Ends the server and every connection. */
  async close(): Promise<void> {
    await this.kill();
    for (const pid of this.#remotes) {
      if (describeProcess(pid)?.command.includes('p11-kit')) process.kill(pid, 'SIGKILL');
    }
  }
}
