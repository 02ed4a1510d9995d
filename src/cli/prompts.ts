import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

import { CliError } from './errors.ts';
import type { Terminal } from './terminal.ts';

/** Asks questions on a terminal, or reads the answers line by line from a pipe or file. */
export class Prompts {
  readonly #terminal: Terminal;
  readonly #signal: AbortSignal;
  #reader: Interface | undefined;
  #lines: AsyncIterator<string> | undefined;

  /** @param signal aborted by an interrupt, which ends the waiting for an answer */
  constructor(terminal: Terminal, signal: AbortSignal) {
    this.#terminal = terminal;
    this.#signal = signal;
  }

  /**
   * Writes the question and reads one line. Where the input is a pipe nothing is echoed, and the next output follows
   * the question directly: this is what scripts around the documented commands see.
   *
   * @throws CliError `input-ended` when there is no line to read, `interrupted`
   */
  async ask(question: string): Promise<string> {
    this.#terminal.stdout.write(question);
    const next = await this.#nextLine();
    if (next.done) {
      this.#terminal.stdout.write('\n');
      const sentence = `cannot read an answer to "${question.trim()}": the input ended`;
      throw new CliError('invalid', 'input-ended', sentence);
    }
    return next.value.trim();
  }

  /** Asks until the answer is not empty, at most three times. */
  async askRequired(question: string): Promise<string> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const answer = await this.ask(question);
      if (answer !== '') return answer;
    }
    throw new CliError('invalid', 'input-ended', `cannot go on without an answer to "${question.trim()}"`);
  }

  /**
   * Reads a secret: on a terminal without showing what is typed, else the next line.
   *
   * @throws CliError `input-ended`, `interrupted`
   */
  async askHidden(what: string): Promise<string> {
    if (!this.#terminal.stdin.isTTY) {
      const next = await this.#nextLine();
      if (!next.done && next.value !== '') return next.value;
    } else {
      const { password } = await import('@clack/prompts');
      const { stdout } = this.#terminal;
      const output = stdout instanceof Writable ? { output: stdout } : {};
      const answer = await password({ message: what, signal: this.#signal, ...output });
      // Ctrl-C is no signal here: the terminal hands it over as a key.
      if (typeof answer === 'symbol') throw interrupted();
      if (answer !== '') return answer;
    }
    throw new CliError('invalid', 'input-ended', `cannot go on without this: ${what}`);
  }

  /** Asks for a yes; anything but `y` or `yes` is a no. */
  async confirm(question: string): Promise<boolean> {
    return /^y(es)?$/i.test(await this.ask(`${question} [y/N]: `));
  }

  /** Stops reading, so that the process can end. */
  close(): void {
    this.#reader?.close();
  }

  /** The next line of the input; an interrupt ends the line of the question, and the waiting. */
  async #nextLine(): Promise<IteratorResult<string>> {
    const end = Promise.withResolvers<never>();
    const stop = () => end.reject(interrupted());
    this.#signal.addEventListener('abort', stop, { once: true });
    try {
      if (this.#signal.aborted) throw interrupted();
      return await Promise.race([this.#input().next(), end.promise]);
    } catch (error) {
      this.#terminal.stdout.write('\n');
      throw error;
    } finally {
      this.#signal.removeEventListener('abort', stop);
    }
  }

  #input(): AsyncIterator<string> {
    if (!this.#lines) {
      this.#reader = createInterface({ input: this.#terminal.stdin, terminal: false });
      this.#lines = this.#reader[Symbol.asyncIterator]();
    }
    return this.#lines;
  }
}

function interrupted(): CliError {
  return new CliError('unavailable', 'interrupted', 'cannot go on: interrupted');
}
