/** An air-gapped appliance of one brand, and all that a push can change or leave there as something to compare. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { encodeStream } from '../../src/assertions/index.ts';
import type { AuthoritySnap, FactoryDevice } from '../e2e/carried-authority.ts';
import { answersIn, openSession } from '../e2e/device-answers.ts';
import { runCli, type CliOutcome } from '../support/cli.ts';
import { Server } from '../support/programs.ts';

/** What the server of the durable processes writes, and files that the database has beside it while it is open. */
const RESTLESS = /^(temporal\.db|database\.sqlite|run\/)/;
/** The log is allowed one line of a refusal; it is looked at by itself. */
const LOG = 'audit_entry';

/** All that a push can change or leave, at one moment. */
export interface Traces {
  /** Files of the data folder, with their sizes. */
  readonly files: readonly string[];
  /** A digest of the rows of each table but the log. */
  readonly tables: Readonly<Record<string, string>>;
  /** What the operator is shown. */
  readonly pushed: string;
  readonly imports: string;
  /** What a device of the brand and a stranger are answered. */
  readonly answers: readonly string[];
}

/** The appliance, and a device of the brand that it serves. */
export class HostileHost {
  readonly #folder: string;
  readonly #server: Server;
  readonly #snaps: readonly AuthoritySnap[];
  #session = '';

  private constructor(folder: string, server: Server, snaps: readonly AuthoritySnap[]) {
    this.#folder = folder;
    this.#server = server;
    this.#snaps = snaps;
  }

  /** Starts `airlock up --role airgap` on an empty folder, trusts the chain's root and pushes the honest export. */
  static async open(
    device: FactoryDevice,
    snaps: readonly AuthoritySnap[],
    honest: string,
  ): Promise<HostileHost> {
    const folder = await mkdtemp(join(tmpdir(), 'airlock-hostile-'));
    const ports = ['--port', '0', '--https-port', '0', '--temporal-port', '0', '--temporal-ui-port', '0'];
    const args = ['up', '--role', 'airgap', '--data', join(folder, 'data'), ...ports];
    const env = { AIRLOCK_LOG_LEVEL: 'fatal', AIRLOCK_TEMPORAL_CONFIG: await withoutSweeps(folder) };
    const host = new HostileHost(folder, await Server.start(args, env), snaps);
    try {
      const root = join(folder, 'root.assert');
      await writeFile(root, encodeStream(device.chain.roots));
      await host.#must('airlock', 'trust', 'add', root);
      await host.#must('snap-store-proxy', 'push-store', honest);
      host.#session = await openSession(host.#server.url, device);
    } catch (error) {
      await host.close();
      throw error;
    }
    return host;
  }

  async close(): Promise<void> {
    await this.#server.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A command of the operator. */
  run(program: 'airlock' | 'snap-store-proxy', ...args: readonly string[]): Promise<CliOutcome> {
    return runCli(program, args, { env: { AIRLOCK_DATA: this.#data } });
  }

  /** All that a push can change or leave. */
  async traces(): Promise<Traces> {
    return {
      files: await this.#files(),
      tables: this.#tables(),
      pushed: await this.#must('snap-store-proxy', 'list-pushed-snaps', '--json'),
      imports: await this.#must('snap-store-proxy', 'list-imports', '--json'),
      answers: await answersIn(this.#session, this.#server.url, this.#snaps),
    };
  }

  /** Codes of the refusals in the log, oldest first. */
  refusals(): readonly string[] {
    return this.#query((database) =>
      database
        .prepare(
          `select json_extract(details, '$.code') as code from ${LOG} where act = 'import.refuse' order by id`,
        )
        .all()
        .map(({ code }) => String(code)),
    );
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  async #must(...[program, ...args]: Parameters<HostileHost['run']>): Promise<string> {
    const { status, stdout, stderr } = await this.run(program, ...args);
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout;
  }

  async #files(): Promise<readonly string[]> {
    const found = await readdir(this.#data, { recursive: true });
    const lines = found
      .filter((name) => !RESTLESS.test(name))
      .map(async (name) => `${name} ${(await stat(join(this.#data, name))).size}`);
    return (await Promise.all(lines)).toSorted();
  }

  #tables(): Readonly<Record<string, string>> {
    return this.#query((database) => {
      const tables = database
        .prepare("select name from sqlite_master where type = 'table' order by name")
        .all();
      const digests = tables
        .map(({ name }) => String(name))
        .filter((name) => name !== LOG && name !== 'sqlite_sequence')
        .map((name) => {
          const rows = database.prepare(`select * from "${name}" order by rowid`).all();
          return [name, `${rows.length} ${createHash('sha256').update(JSON.stringify(rows)).digest('hex')}`];
        });
      return Object.fromEntries(digests);
    });
  }

  #query<Answer>(ask: (database: DatabaseSync) => Answer): Answer {
    const database = new DatabaseSync(join(this.#data, 'database.sqlite'), { readOnly: true });
    try {
      return ask(database);
    } finally {
      database.close();
    }
  }
}

/** What ships, but nothing sweeps on its own: whatever changes was a push. */
async function withoutSweeps(folder: string): Promise<string> {
  const path = join(folder, 'temporal.yaml');
  const shipped = await readFile(join(import.meta.dirname, '../../temporal.yaml'), 'utf8');
  await writeFile(path, shipped.replaceAll(/(sweep\w+): \d+/g, '$1: 864000'));
  return path;
}
