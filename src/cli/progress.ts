import type { Terminal } from './terminal.ts';

const BAR_WIDTH = 36;

/** One line of progress as documented: `  [####…]  100%` (protocol/operators.md, section 2.1). */
export function barLine(fraction: number): string {
  const part = Math.min(1, Math.max(0, fraction));
  const filled = Math.floor(part * BAR_WIDTH);
  const percent = String(Math.floor(part * 100)).padStart(3);
  return `  [${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]  ${percent}%`;
}

/**
 * A progress bar that moves on a terminal and appears once, complete, in a pipe or file.
 */
export class ProgressBar {
  readonly #terminal: Terminal;
  #shown = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Shows how far the work is, from 0 to 1. */
  update(fraction: number): void {
    if (!this.#terminal.stdout.isTTY) return;
    const line = barLine(fraction);
    if (line === this.#shown) return;
    this.#terminal.stdout.write(`\r${line}`);
    this.#shown = line;
  }

  /** Shows the whole bar and ends the line. */
  finish(): void {
    const line = barLine(1);
    this.#terminal.stdout.write(this.#terminal.stdout.isTTY ? `\r${line}\n` : `${line}\n`);
  }

  /** Ends the line without claiming that the work is done. */
  abandon(): void {
    if (this.#shown !== '') this.#terminal.stdout.write('\n');
  }
}
