import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url));

/** What a command printed and how it ended. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of the product to its end, by its shim in bin/; `input` is typed at its prompts. */
export function command(
  program: 'airlock' | 'store-admin' | 'snap-store-proxy',
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(`${BIN}${program}`, args, {
      env: { ...process.env, ...options.env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ status: code ?? 128, stdout, stderr }));
    child.stdin.end(options.input ?? '');
  });
}

/** A server of the product that runs beside the journey. */
export class Server {
  readonly #child: ChildProcess;
  /** Everything it printed, for when something goes wrong. */
  readonly output: readonly string[];
  readonly url: string;

  private constructor(child: ChildProcess, output: readonly string[], url: string) {
    this.#child = child;
    this.output = output;
    this.url = url;
  }

  /** Starts `airlock ARGS` and waits until it says that it is ready. */
  static start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Server> {
    const child = spawn(`${BIN}airlock`, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    return new Promise((resolve, reject) => {
      const fail = (why: string) =>
        reject(new Error(`airlock ${args[0]} ${why}:\n${output.slice(-20).join('\n')}`));
      createInterface({ input: child.stderr }).on('line', (line) => output.push(line));
      createInterface({ input: child.stdout }).on('line', (line) => {
        output.push(line);
        const ready = /^airlock: ready(?: at (\S+))?/.exec(line);
        if (ready) resolve(new Server(child, output, ready[1] ?? ''));
      });
      child.once('error', reject);
      child.once('exit', (code) => fail(`ended with status ${code ?? 'none'} before it was ready`));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the process has ended, whatever ended it. */
  async ended(): Promise<NodeJS.Signals | number | null> {
    if (this.running) await new Promise((resolve) => this.#child.once('exit', resolve));
    return this.#child.signalCode ?? this.#child.exitCode;
  }

  /** Asks it to stop, and waits until it has. */
  async stop(): Promise<NodeJS.Signals | number | null> {
    if (this.running) this.#child.kill('SIGTERM');
    return this.ended();
  }
}
