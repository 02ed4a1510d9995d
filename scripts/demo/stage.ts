import { join } from 'node:path';
import type { Assertion, Signer } from '../../src/assertions/index.ts';
import { Narrator } from './narrator.ts';
import { command, Server, type Outcome } from '../../test/support/programs.ts';

/** The names of the example. */
export const EXAMPLE = {
  authority: 'example-root',
  brand: 'acme',
  otherBrand: 'umbra',
  developer: 'deva',
  admin: 'admin@acme.example',
  brandStore: 'acme-store',
  deviceView: 'acme-devices',
  otherStore: 'umbra-store',
  model: 'acme-edge-1',
  otherModel: 'umbra-box',
  apiKey: 'Qm7dPz4Wc1TgXv9RbK2nYs6LhJ3eUf8AoCx5tMwD',
} as const;

/** Where everything of one run is, and what its steps leave for the next ones. */
export class Stage {
  readonly narrator = new Narrator();
  readonly folder: string;
  readonly servers: Server[] = [];
  /** Set by the steps, in the order of the journey. */
  readonly props: {
    authority?: Server;
    airgap?: Server;
    root?: readonly Assertion[];
    brandSigner?: Signer;
    otherSigner?: Signer;
    model?: Assertion;
    otherModel?: Assertion;
    seed?: readonly Assertion[];
    otherSeed?: readonly Assertion[];
    modelKeyId?: string;
    archive?: string;
    tokenFile?: string;
    serialKeyId?: string;
  } = {};

  constructor(folder: string) {
    this.folder = folder;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  get authorityData(): string {
    return this.path('authority');
  }

  get airgapData(): string {
    return this.path('airgap');
  }

  /** A prop that an earlier step must have left. */
  need<Name extends keyof Stage['props']>(name: Name): NonNullable<Stage['props'][Name]> {
    const value = this.props[name];
    if (value === undefined || value === null)
      throw new Error(`the journey lost its ${name}: an earlier step failed`);
    return value;
  }

  /** Starts a server, which is stopped at the end of the run. */
  async serve(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Server> {
    const server = await Server.start(args, { AIRLOCK_LOG_LEVEL: 'error', ...env });
    this.servers.push(server);
    return server;
  }

  /** A command on the authority's host that must succeed; gives what it printed. */
  authority(...args: string[]): Promise<string> {
    return this.must('airlock', ['authority', ...args], { AIRLOCK_DATA: this.authorityData });
  }

  /** A command of the air-gapped host's operator. */
  operator(program: 'airlock' | 'snap-store-proxy', ...args: string[]): Promise<Outcome> {
    return command(program, args, { env: { AIRLOCK_DATA: this.airgapData } });
  }

  /** A command of the brand's admin, on a machine of their own. */
  admin(args: readonly string[], input = '', env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    return command('store-admin', args, { input, env: { AIRLOCK_HOME: this.path('admin-home'), ...env } });
  }

  /** Runs a command that must succeed; gives its standard output. */
  async must(
    program: Parameters<typeof command>[0],
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const outcome = await command(program, args, { env });
    if (outcome.status !== 0) {
      throw new Error(
        `${program} ${args.join(' ')} ended with status ${outcome.status}: ${outcome.stderr || outcome.stdout}`,
      );
    }
    return outcome.stdout;
  }
}

/** What an outcome shows, in one line, for a failed check. */
export function shown({ status, stdout, stderr }: Outcome): string {
  return `status ${status}; ${JSON.stringify((stderr || stdout).slice(0, 600))}`;
}
