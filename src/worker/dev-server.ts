import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TemporalConfig } from '../config/index.ts';
import { sentenceOf } from '../errors.ts';
import type { Log } from '../telemetry/index.ts';
import { WorkerError } from './errors.ts';
import { usablePort } from './ports.ts';
import { isServing, setRetention } from './server-state.ts';
import { findTemporalCli, serverArguments, type ServerPorts } from './temporal-cli.ts';
import { endWithUs } from './watchdog.ts';

/** What the embedded Temporal server needs to know. */
export interface DevServerOptions {
  readonly config: TemporalConfig;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The database file; without it everything is in memory (tests). */
  readonly file?: string | undefined;
  /** Address that Temporal UI asks to open sealed payloads. */
  readonly codecEndpoint?: string | undefined;
}

const READY_MS = 60_000;
const STOP_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A server that lived this long did not fail at its start. */
const SETTLED_MS = 10_000;
const KEPT_LINES = 5;
/** What SQLite says of a file that is damaged (11) or none of its own (26). */
const DAMAGED = /(malformed|not a database) \((11|26)\)/;

/**
 * The Temporal server of one machine: a child process that is started again when it dies, and ends when we do.
 * @throws WorkerError when it cannot be started the first time
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const { ip, port, uiPort } = options.config.devServer.listen;
  const program = await findTemporalCli(options.env);
  const ports = {
    port: await usablePort(ip, port, 'devServer.listen.port'),
    uiPort: await usablePort(ip, uiPort, 'devServer.listen.uiPort'),
  };
  const server = new DevServer(program, ports, options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A running server; see `startDevServer`. */
export class DevServer {
  /** HOST:PORT for clients and workers. */
  readonly address: string;
  /** Address of Temporal UI; undefined when it is off. */
  readonly uiUrl: string | undefined;
  readonly #program: string;
  readonly #ports: ServerPorts;
  readonly #options: DevServerOptions;
  readonly #lastLines: string[] = [];
  #child: ChildProcess | undefined;
  #callOff: () => void = () => undefined;
  #stopping = false;
  #startedAt = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #revival: NodeJS.Timeout | undefined;

  constructor(program: string, ports: ServerPorts, options: DevServerOptions) {
    const { listen, ui } = options.config.devServer;
    this.#program = program;
    this.#ports = ports;
    this.#options = options;
    this.address = `${listen.ip}:${ports.port}`;
    this.uiUrl = ui.enabled ? `http://${listen.ip}:${ports.uiPort}` : undefined;
  }

  /** The process id, for those who measure or disturb it; undefined while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process and waits until it serves. */
  async start(): Promise<void> {
    this.#spawn();
    const { config } = this.#options;
    const deadline = Date.now() + READY_MS;
    while (!(await isServing(this.address, config.env.local.namespace))) {
      if (this.#child === undefined) throw this.#failed('it ended at once');
      if (Date.now() > deadline) throw this.#failed(`it did not answer within ${READY_MS / 1000} seconds`);
      await sleep(25);
    }
    await setRetention(this.address, config.env.local.namespace, config.devServer.retention.hours);
  }

  /** True when the server answers now. */
  async healthy(): Promise<boolean> {
    return isServing(this.address, this.#options.config.env.local.namespace);
  }

  /** Stops it for good: asked first, forced after ten seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#revival);
    const child = this.#child;
    if (child !== undefined) {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(force);
    }
  }

  #spawn(): void {
    const { config, file, codecEndpoint, env } = this.#options;
    const child = spawn(this.#program, serverArguments(config, this.#ports, { file, codecEndpoint }), {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C in a terminal is for us, and we stop it last.
      detached: true,
      env: { PATH: env['PATH'], HOME: env['HOME'], TZ: 'UTC' },
    });
    this.#child = child;
    this.#startedAt = performance.now();
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => this.#note(line));
    child.on('error', (error) => this.#note(error.message));
    if (child.pid !== undefined) this.#callOff = endWithUs(child.pid);
    child.once('close', (code, signal) => this.#ended(child, signal ?? `status ${code}`));
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#callOff();
    if (this.#stopping) return;
    const lived = performance.now() - this.#startedAt;
    this.#pauseMs = lived > SETTLED_MS ? FIRST_PAUSE_MS : Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#options.log.error({ how, again_in_ms: this.#pauseMs }, 'the Temporal server ended by itself');
    this.#revival = setTimeout(() => this.#spawn(), this.#pauseMs).unref();
  }

  #note(line: string): void {
    if (line.trim() === '') return;
    this.#lastLines.push(line);
    if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift();
    this.#options.log.debug({ line }, 'Temporal server');
  }

  #failed(why: string): WorkerError {
    const said = this.#lastLines.at(-1);
    const { file } = this.#options;
    if (file !== undefined && said !== undefined && DAMAGED.test(said))
      return new WorkerError(
        'unavailable',
        'temporal-database-damaged',
        `cannot start the Temporal server: its database ${file} is damaged; restore a backup, or move that file away, which forgets the processes that were running`,
      );
    return new WorkerError(
      'unavailable',
      'temporal-server-failed',
      `cannot start the Temporal server: ${why}${said === undefined ? '' : `; it said: ${sentenceOf(said)}`}`,
    );
  }
}
