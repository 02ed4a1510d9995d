import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Chain } from './chain.ts';

const run = promisify(execFile);

const registration = z.object({
  ok: z.boolean(),
  serial: z.string().optional(),
  authority: z.string().optional(),
  'sign-key': z.string().optional(),
  verified: z.boolean().optional(),
  'verified-by': z.string().optional(),
  error: z.string().optional(),
  status: z.number().optional(),
  'snapd-would-retry': z.boolean().optional(),
});
const steps = z.object({
  steps: z.number(),
  results: z.array(z.object({ name: z.string(), ok: z.boolean(), error: z.string().optional() })),
});
const sights = z.record(
  z.string(),
  z.object({ ways: z.array(z.string()), address: z.string(), errors: z.record(z.string(), z.string()) }),
);
const failed = z.object({ stdout: z.string(), stderr: z.string() });

/** What came of a registration, in snapd's own eyes. */
export type Registration = z.infer<typeof registration>;

/** What a device is made of. */
export interface DeviceParts {
  readonly program: string;
  readonly chain: Chain;
  readonly model: string;
  /** Its key and serial are in files that begin so. */
  readonly files: string;
  readonly store: () => string;
}

/** A device that runs snapd's own code. */
export class SnapdDevice {
  readonly #parts: DeviceParts;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  get key(): string {
    return `${this.#parts.files}.pem`;
  }

  get serialFile(): string {
    return `${this.#parts.files}-${this.#parts.model}.assert`;
  }

  /** The same board after its owner gave it another model. */
  remodelled(model: string): SnapdDevice {
    return new SnapdDevice({ ...this.#parts, model });
  }

  /** A device with this one's files that finds its store at another address. */
  at(url: string): SnapdDevice {
    return new SnapdDevice({ ...this.#parts, store: () => url });
  }

  /**
   * Asks for a serial with the API key of its model's gadget, and checks it down to the root. Its key has half the bits of those that
   * snapd makes, unless `--key-bits` says otherwise: one of them takes a second to make.
   */
  async register(...more: readonly string[]): Promise<Registration> {
    const { chain, model, store } = this.#parts;
    const trust = ['--trusted', chain.root, '--seed', chain.path('all.assert')];
    const own = ['--model', chain.modelFile(model), '--key', this.key, '--out', this.serialFile];
    const bits = ['--key-bits', '2048'];
    const options = [
      '--url',
      `${store()}/`,
      '--api-key',
      chain.apiKey(model),
      ...trust,
      ...own,
      ...bits,
      ...more,
    ];
    return registration.parse(await this.#run(['serial', ...options]));
  }

  /** Walks through the store's API with its serial. */
  async session(...more: readonly string[]): Promise<{ failures: unknown[]; steps: number }> {
    const report = steps.parse(await this.#run(['session', '--strict', '--quiet', ...this.#own(), ...more]));
    return { failures: report.results.filter(({ ok }) => !ok), steps: report.steps };
  }

  /** In how many ways it gets at snaps. */
  async sees(names: readonly string[], ...more: readonly string[]): Promise<z.infer<typeof sights>> {
    return sights.parse(await this.#run(['sees', ...this.#own(), ...more, ...names]));
  }

  #own(): string[] {
    const { chain, model, store } = this.#parts;
    const files = ['--key', this.key, '--serial', this.serialFile];
    return ['--url', store(), '--chain', chain.folder, '--model', model, ...files];
  }

  async #run(args: readonly string[]): Promise<unknown> {
    const { stdout, stderr } = await run(this.#parts.program, args, { maxBuffer: 2 ** 26 }).catch(
      (error: unknown) => failed.parse(error),
    );
    if (stdout === '') throw new Error(`devicesim ${args[0]} says: ${stderr}`);
    return JSON.parse(stdout);
  }
}
