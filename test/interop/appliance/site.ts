import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runCli } from '../../support/cli.ts';
import { devicesim } from '../../support/devicesim.ts';
import { Server, type command, type Outcome } from '../../support/programs.ts';
import {
  newExporter,
  writeStoreArchive,
  writeSubStoreArchive,
  type Brand,
  type SubStore,
} from './archive.ts';
import { Chain } from './chain.ts';
import { freePort } from '../../support/free-port.ts';
import { SnapdDevice } from './snapd-device.ts';

const run = promisify(execFile);

/** snapd's own code, built; or why it is not. */
export const program = await devicesim();

/** An air-gapped Airlock that runs as its operator starts it, and all that is carried to it on a disk. */
export class Site {
  readonly folder: string;
  readonly chain: Chain;
  readonly exporter = newExporter();
  /** Where HTTPS is once a certificate was imported. */
  readonly httpsPort: number;
  readonly #servers: Server[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #runCommand: typeof command;
  #up: Server | undefined;
  #devices = 0;

  private constructor(
    folder: string,
    chain: Chain,
    httpsPort: number,
    env: Readonly<Record<string, string>>,
    runCommand: typeof command,
  ) {
    this.#env = env;
    this.#runCommand = runCommand;
    this.httpsPort = httpsPort;
    this.folder = folder;
    this.chain = chain;
  }

  /**
   * Makes a chain, starts `airlock up --role airgap` on an empty data folder, with these variables besides, and trusts the chain's root.
   * @param runCommand what runs the commands: in this process, or as {@link command} does, as people do
   */
  static async open(
    env: Readonly<Record<string, string>> = {},
    runCommand: typeof command = runCli,
  ): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), 'airlock-interop-'));
    await mkdir(join(folder, 'disk'));
    const chain = join(folder, 'chain');
    await run(program.path ?? '', ['chain', '--out', chain, '--key-bits', '2048', '--snaps', '2']);
    const site = new Site(folder, await Chain.read(chain), await freePort(), env, runCommand);
    try {
      await site.start();
      await site.operator('airlock', 'trust', 'add', site.chain.root);
    } catch (error) {
      await site.close();
      throw error;
    }
    return site;
  }

  /** Starts the server; again at the same address after `stop`. */
  async start(...more: readonly string[]): Promise<void> {
    const port = this.#up === undefined ? '0' : new URL(this.#up.url).port;
    const free = [
      '--port',
      port,
      '--https-port',
      String(this.httpsPort),
      '--temporal-port',
      '0',
      '--temporal-ui-port',
      '0',
    ];
    this.#up = await this.serve(['up', '--role', 'airgap', '--data', this.data, ...free, ...more]);
  }

  /** Starts one more program of the product, which is stopped at the end. */
  async serve(args: readonly string[]): Promise<Server> {
    const server = await Server.start(args, {
      AIRLOCK_LOG_LEVEL: 'error',
      AIRLOCK_TEMPORAL_CONFIG: await this.#temporalFile(),
      ...this.#env,
    });
    this.#servers.push(server);
    return server;
  }

  /** Stops the server as its operator does. */
  async stop(): Promise<void> {
    await this.#up?.stop();
  }

  async close(): Promise<void> {
    for (const server of this.#servers.toReversed()) await server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  get url(): string {
    return this.#up?.url ?? '';
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  disk(name: string): string {
    return join(this.folder, 'disk', name);
  }

  /** A command of the host's operator that must succeed; gives what it printed. */
  async operator(name: 'airlock' | 'snap-store-proxy', ...args: readonly string[]): Promise<string> {
    return output([name, ...args], await this.tryOperator(name, ...args));
  }

  /** The same for one that may fail. */
  tryOperator(name: 'airlock' | 'snap-store-proxy', ...args: readonly string[]): Promise<Outcome> {
    return this.#runCommand(name, args, { env: { AIRLOCK_DATA: this.data } });
  }

  /** Has the host serve HTTPS, as its operator does: certificate and key come by standard input. */
  async importCertificate(tls: { readonly cert: string; readonly key: string }): Promise<string> {
    const input = (await readFile(tls.cert, 'utf8')) + (await readFile(tls.key, 'utf8'));
    const words = ['snap-store-proxy', 'import-certificate'];
    const env = { AIRLOCK_DATA: this.data };
    return output(words, await this.#runCommand('snap-store-proxy', ['import-certificate'], { input, env }));
  }

  /** A command of a brand's admin, on a machine of their own, that must succeed. */
  async admin(brand: Brand, args: readonly string[], input = ''): Promise<string> {
    return output(['store-admin', ...args], await this.tryAdmin(brand, args, input));
  }

  /** The same for one that may fail. */
  tryAdmin(brand: Brand, args: readonly string[], input = ''): Promise<Outcome> {
    return this.#runCommand('store-admin', args, {
      input,
      env: {
        AIRLOCK_HOME: join(this.folder, `home-of-${brand.admin}`),
        BRAND_ACCOUNT_ID: brand.id,
        STORE_ADMIN_TOKEN: brand.token,
      },
    });
  }

  /** Exports a brand's store from the chain, pushes it, and logs its admin in. */
  async importStore(brand: Brand): Promise<void> {
    const path = this.disk(`store-export-${brand.store}.tar.gz`);
    const exporter = await this.exporter;
    await writeStoreArchive(this.chain, brand, { path, exporter, createdAt: new Date() });
    await this.operator('snap-store-proxy', 'push-store', path);
    await this.admin(brand, ['login', '--offline', this.url, brand.email]);
  }

  /** Exports a brand's sub-store from the chain, and pushes it. */
  async importSubStore(brand: Brand, store: SubStore): Promise<void> {
    const path = this.disk(`store-export-${store.id}.tar.gz`);
    const exporter = await this.exporter;
    await writeSubStoreArchive(this.chain, brand, store, { path, exporter, createdAt: new Date() });
    await this.operator('snap-store-proxy', 'push-store', path);
  }

  /** Makes a signing key on the HSM and has snapd's own code vouch for it, as the global store does. Gives its id. */
  async registerKey(brand: Brand, name: string): Promise<string> {
    await this.admin(brand, ['create', 'key', name]);
    const keys = await this.admin(brand, ['list', 'keys']);
    const keyId = new RegExp(`^${name}\\s+(\\S{64})$`, 'm').exec(keys)?.[1] ?? '';
    const request = this.disk(`${brand.id}-${name}.account-key-request`);
    await this.admin(brand, ['register-key', keyId, '--request-out', request]);
    const accountKey = this.disk(`${brand.id}-${name}.account-key`);
    const files = ['--request', request, '--out', accountKey];
    await run(program.path ?? '', ['account-key', '--chain', this.chain.folder, ...files]);
    await this.operator('snap-store-proxy', 'push-account-keys', accountKey);
    return keyId;
  }

  /** Creates a model with the API key of its gadget, and signs its serials with a key. */
  async createModel(brand: Brand, model: string, keyId: string): Promise<void> {
    await this.admin(brand, ['create', 'model', model], `${this.chain.apiKey(model)}\n`);
    await this.admin(brand, ['create', 'serial-policy', '--model', model, '--signing-key', keyId]);
  }

  /** A device of a model, from the factory. */
  device(model: string): SnapdDevice {
    this.#devices += 1;
    const files = join(this.folder, `device-${this.#devices}`);
    return new SnapdDevice({
      program: program.path ?? '',
      chain: this.chain,
      model,
      files,
      store: () => this.url,
    });
  }

  /** What ships, but for deltas: they are made at once, as nobody here waits a minute for them. */
  async #temporalFile(): Promise<string> {
    const path = join(this.folder, 'temporal.yaml');
    const shipped = await readFile(join(import.meta.dirname, '../../../temporal.yaml'), 'utf8');
    await writeFile(path, shipped.replace(/sweepDeltas: \d+/, 'sweepDeltas: 1'));
    return path;
  }
}

function output(words: readonly string[], { status, stdout, stderr }: Outcome): string {
  if (status === 0) return stdout;
  throw new Error(`${words.join(' ')} ended with status ${status}: ${stderr || stdout}`);
}
