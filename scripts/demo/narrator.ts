/** Tells the journey on standard output: numbered steps with their time, each check with what it found. */
export class Narrator {
  readonly #started = performance.now();
  #stepStarted = 0;
  #step = 0;
  #passed = 0;
  #failed = 0;

  /** Begins a step of the journey. */
  step(title: string): void {
    this.#endStep();
    this.#step += 1;
    this.#stepStarted = performance.now();
    process.stdout.write(`\n${this.#step}. ${title}\n`);
  }

  /** Says something that is not a check. */
  say(text: string): void {
    for (const line of text.trimEnd().split('\n')) process.stdout.write(`   ${line}\n`);
  }

  /** States a fact and whether it holds. A failed check does not end the journey: the rest may tell why. */
  check(fact: string, holds: boolean, found?: string): void {
    if (holds) this.#passed += 1;
    else this.#failed += 1;
    process.stdout.write(
      `   ${holds ? '✓' : '✗'} ${fact}${!holds && found !== undefined ? `\n     found: ${found}` : ''}\n`,
    );
  }

  /** The closing line, and whether all is well. */
  close(): boolean {
    this.#endStep();
    const total = this.#passed + this.#failed;
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    process.stdout.write(
      `\nThe journey took ${seconds} s.\ndemo: ${this.#passed} of ${total} checks passed\n`,
    );
    return this.#failed === 0 && total > 0;
  }

  #endStep(): void {
    if (this.#step === 0) return;
    const seconds = ((performance.now() - this.#stepStarted) / 1000).toFixed(1);
    process.stdout.write(`   (${seconds} s)\n`);
  }
}
