import type { CliContext } from './context.ts';
import type { Output } from './terminal.ts';

const BAR_WIDTH = 36;

/** One line of progress as documented: `  [####…]  100%` (protocol/operators.md, section 2.1). */
export function barLine(fraction: number): string {
  const part = Math.min(1, Math.max(0, fraction));
  const filled = Math.floor(part * BAR_WIDTH);
  const percent = String(Math.floor(part * 100)).padStart(3);
  return `  [${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]  ${percent}%`;
}

/**
 * Runs some work beside a bar on standard error, where that is a terminal. The bar ends at 100 % when the work is done, and
 * stays where it was when it failed.
 *
 * @param work is told how to report how far it is, and in which context to say anything: there the bar's line ends first
 */
export async function withBar<T>(
  context: CliContext,
  work: (onProgress: (done: number, total: number) => void, context: CliContext) => Promise<T>,
): Promise<T> {
  const { terminal } = context;
  const bar = new ProgressBar(terminal.stderr);
  const stderr: Output = {
    ...(terminal.stderr.isTTY === undefined ? {} : { isTTY: terminal.stderr.isTTY }),
    ...(terminal.stderr.columns === undefined ? {} : { columns: terminal.stderr.columns }),
    write: (text) => {
      bar.endLine();
      return terminal.stderr.write(text);
    },
  };
  try {
    const result = await work((done, total) => bar.update(total === 0 ? 0 : done / total), {
      ...context,
      terminal: { ...terminal, stderr },
    });
    bar.finish();
    return result;
  } finally {
    bar.endLine();
  }
}

/**
 * Waits for work whose end nobody can tell, and shows on standard error, where that is a terminal, for how many seconds already. The line is
 * gone when the work is over.
 */
export async function withSeconds<T>({ terminal: { stderr } }: CliContext, work: Promise<T>): Promise<T> {
  if (!stderr.isTTY) return work;
  let line = '';
  let seconds = 0;
  const timer = setInterval(() => {
    seconds += 1;
    line = `  ${String(seconds)} s`;
    stderr.write(`\r${line}`);
  }, 1000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (line !== '') stderr.write(`\r${' '.repeat(line.length)}\r`);
  }
}

/** A progress bar that moves on a terminal; elsewhere there is none. */
class ProgressBar {
  readonly #output: Output;
  /** What the line shows that is not ended yet. */
  #line = '';
  #begun = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Shows how far the work is, from 0 to 1. */
  update(fraction: number): void {
    if (!this.#output.isTTY) return;
    const line = barLine(fraction);
    if (line === this.#line) return;
    this.#output.write(`\r${line}`);
    this.#line = line;
    this.#begun = true;
  }

  /** Shows the whole bar, where there was any: work that was over at once has none. */
  finish(): void {
    if (this.#begun) this.update(1);
  }

  /** Ends the line, so that something else can be said; the next update begins another. */
  endLine(): void {
    if (this.#line !== '') this.#output.write('\n');
    this.#line = '';
  }
}
