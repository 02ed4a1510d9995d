/** Three hosts as their operators start them, on empty folders: what the documents show is printed by them, and by nothing in their place. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProgramName } from '../../src/cli/program.ts';
import { authorityFolder } from '../support/authority-folder.ts';
import type { BrandChain } from '../support/brand-chain.ts';
import { runCli, type CliOutcome } from '../support/cli.ts';
import { hasPostgreSql, newPostgreSql } from '../support/postgresql.ts';
import { Server } from '../support/programs.ts';
import type { Outside } from '../workflows/hosts.ts';

/** The text that a documented command is to print. */
export async function golden(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, 'golden', `${name}.txt`), 'utf8');
}

/** Names of ours, and those of the documents in their places. */
export type Names = Readonly<Record<string, string>>;

/** `airlock up` with a role, and what its operator has: a shell on that machine. */
export class DocumentedHost {
  readonly data: string;
  readonly #server: Server;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(data: string, server: Server, env: Readonly<Record<string, string>>) {
    this.data = data;
    this.#server = server;
    this.#env = env;
  }

  static async start(role: string, data: string, more: Names = {}): Promise<DocumentedHost> {
    const ports = ['--port', '0', '--https-port', '0', '--temporal-port', '0', '--temporal-ui-port', '0'];
    const server = await Server.start(['up', '--role', role, '--data', data, ...ports], {
      AIRLOCK_LOG_LEVEL: 'error',
      ...more,
    });
    return new DocumentedHost(data, server, { AIRLOCK_DATA: data, SNAP_USER_COMMON: `${data}-common` });
  }

  get url(): string {
    return this.#server.url;
  }

  run(args: readonly string[], program: ProgramName = 'snap-store-proxy'): Promise<CliOutcome> {
    return runCli(program, args, { env: this.#env });
  }

  /** What a command prints that must succeed. */
  async prints(args: readonly string[], program?: ProgramName): Promise<string> {
    return succeeded(args, await this.run(args, program));
  }

  /**
   * What was printed, with names of the documents in place of ours. What no document can know is named by a word: FOLDER is where this
   * host puts files, TIME what they are named after.
   */
  documented(printed: string, names: Names = {}): string {
    const folders = {
      [`${this.#env['SNAP_USER_COMMON']}/export/`]: 'FOLDER/',
      [`${this.data}/exports/`]: 'FOLDER/',
    };
    return Object.entries({ ...folders, ...names })
      .reduce((text, [ours, theirs]) => text.replaceAll(ours, theirs), printed)
      .replaceAll(/\d{8}T\d{6}/g, 'TIME');
  }

  stop(): Promise<unknown> {
    return this.#server.stop();
  }
}

/** The files that a command says it wrote. */
export function filesIn(printed: string): readonly string[] {
  return [...printed.matchAll(/: (\/\S+)$/gm)].map(([, path = '']) => path);
}

/** @throws Error with what the command said when it failed */
export function succeeded(args: readonly string[], { status, stdout, stderr }: CliOutcome): string {
  if (status === 0) return stdout;
  throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
}

/** The hosts, who stands outside of them, and how they are left. */
export interface DocumentedHosts {
  readonly authority: DocumentedHost;
  /** On PostgreSQL, where this machine has it. */
  readonly online: DocumentedHost;
  readonly airgap: DocumentedHost;
  readonly chain: BrandChain;
  /** The root that devices are built to trust, as a file. */
  readonly root: string;
  /** Log-in files of a viewer and of an admin of the store, and of who is both. */
  readonly logins: { readonly viewer: string; readonly admin: string; readonly both: string };
  readonly close: () => Promise<void>;
}

/** Starts an authority with the snaps that the documents show, an online host whose upstream it is, and an isolated one. */
export async function startDocumentedHosts(): Promise<DocumentedHosts> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-documented-'));
  const made = await authorityFolder(folder);
  await publishDocumented(made.outside);
  const logins = {
    viewer: await made.login('package_access'),
    admin: await made.login('store_admin'),
    both: await made.login('package_access', 'store_admin'),
  };
  await made.close();
  const postgreSql = hasPostgreSql ? await newPostgreSql() : undefined;
  const database = postgreSql && { AIRLOCK_DATABASE_URL: postgreSql.url.replace('127.0.0.1', 'localhost') };
  const [authority, online, airgap] = await Promise.all([
    DocumentedHost.start('authority', made.data),
    DocumentedHost.start('online', join(folder, 'online'), database),
    DocumentedHost.start('airgap', join(folder, 'airgap')),
  ]);
  for (const host of [online, airgap])
    succeeded(['trust', 'add'], await host.run(['trust', 'add', made.root], 'airlock'));
  await online.prints(['config', `proxy.upstream=${authority.url}`]);
  return {
    ...{ authority, online, airgap, chain: made.outside.chain, root: made.root, logins },
    async close() {
      await Promise.all([authority, online, airgap].map((host) => host.stop()));
      await postgreSql?.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The snaps that the documents show, in the revisions that they show. */
async function publishDocumented(outside: Outside): Promise<void> {
  const put = (
    [name, type, revision]: readonly [string, 'app' | 'base', number],
    channels: readonly string[] = ['latest/stable'],
    architecture = 'amd64',
  ) => {
    const base = type === 'app' ? { base: 'core24' } : {};
    const recipe = { name, type, version: String(revision), architecture, ...base };
    return outside.publish(recipe, { store: 'ubuntu', revision, channels });
  };
  await put(['core', 'base', 13250]);
  await put(['core24', 'base', 1196]);
  await put(['helix', 'app', 7]);
  await put(['jq', 'app', 6]);
  await put(['jq', 'app', 11], ['latest/edge']);
  for (const [architecture, former, latest] of [
    ['amd64', 1700, 1705],
    ['arm64', 1703, 1708],
  ] as const) {
    await put(['core18', 'base', former], [], architecture);
    await put(['core18', 'base', latest], ['latest/stable'], architecture);
  }
  await outside.include('core');
}
