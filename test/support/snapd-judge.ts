import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import type { HeaderValue } from '../../src/assertions/index.ts';

const answer = z.object({
  accepted: z.boolean(),
  error: z.string().optional(),
  stage: z.string().optional(),
  encoded: z.base64().optional(),
  headers: z.record(z.string(), z.unknown()).optional(),
  count: z.number().optional(),
});
/** What snapd's own code says: accepted or refused, at which stage and why. */
export type Judgement = z.infer<typeof answer>;

/** snapd's assertion code as a long-lived process that answers one question after another. */
export class SnapdJudge {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: { resolve: (judgement: Judgement) => void; reject: (error: Error) => void }[] = [];

  constructor(devicesim: string) {
    this.#child = spawn(devicesim, ['assertions'], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#waiting.shift()?.resolve(answer.parse(JSON.parse(line)));
    });
    this.#child.on('close', (status) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`devicesim ended with ${status}`));
    });
  }

  /** Decodes one assertion; with a public key, checks its signature too. */
  decode(encoded: Uint8Array, key?: string): Promise<Judgement> {
    return this.#ask({ op: 'decode', encoded: base64(encoded), ...(key !== undefined && { key }) });
  }

  /** Decodes a stream. */
  stream(encoded: Uint8Array): Promise<Judgement> {
    return this.#ask({ op: 'stream', encoded: base64(encoded) });
  }

  /** Signs with a private key in PEM, in the format that the content needs. */
  sign(
    pem: string,
    draft: {
      readonly type: string;
      readonly headers: { readonly [name: string]: HeaderValue };
      readonly body?: string;
    },
  ): Promise<Judgement> {
    const { type, headers, body = '' } = draft;
    return this.#ask({ op: 'sign', pem, type, headers, body: base64(Buffer.from(body)) });
  }

  /** Asks an assertion database with the given roots, which knows a stream already, whether it takes an assertion. */
  trust(encoded: Uint8Array, trusted: Uint8Array, known: Uint8Array): Promise<Judgement> {
    return this.#ask({
      op: 'trust',
      encoded: base64(encoded),
      trusted: base64(trusted),
      known: base64(known),
    });
  }

  /**
   * Asks the interface policy of a device whether a snap is installed and its plug `snapd-control` connects by itself. The stream has the
   * snap's declaration, the device's model, and the assertion of its store if the device got one.
   */
  permits(stream: Uint8Array, snapYaml: string): Promise<Judgement> {
    return this.#ask({ op: 'permits', encoded: base64(stream), 'snap-yaml': snapYaml });
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.on('close', resolve));
    this.#child.stdin.end();
    await closed;
  }

  #ask(question: object): Promise<Judgement> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    });
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
