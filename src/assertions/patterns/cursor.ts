import { PatternSyntaxError } from './nodes.ts';

/** Walks over the characters of a pattern. */
export class PatternCursor {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(source: string) {
    this.#characters = [...source];
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#characters.length;
  }

  get position(): number {
    return this.#at;
  }

  /** The character so many places ahead; empty at the end. */
  peek(ahead = 0): string {
    return this.#characters[this.#at + ahead] ?? '';
  }

  /** Takes one character. */
  next(): string {
    if (this.isAtEnd) throw new PatternSyntaxError('the expression ends too early');
    return this.#characters[this.#at++] ?? '';
  }

  /** Takes a text if it is what comes next. */
  takeIf(text: string): boolean {
    const characters = [...text];
    if (!characters.every((character, index) => this.peek(index) === character)) return false;
    this.#at += characters.length;
    return true;
  }

  /** Takes all up to a text, and the text; undefined, with nothing taken, when it does not come. */
  takeThrough(text: string): string | undefined {
    const marks = [...text];
    for (let end = this.#at; end + marks.length <= this.#characters.length; end++) {
      if (marks.every((mark, index) => this.#characters[end + index] === mark)) {
        const taken = this.#characters.slice(this.#at, end).join('');
        this.#at = end + marks.length;
        return taken;
      }
    }
    return undefined;
  }

  /** Takes all that is left. */
  takeRest(): string {
    const rest = this.#characters.slice(this.#at).join('');
    this.#at = this.#characters.length;
    return rest;
  }

  /** Goes back, for a look further ahead that came to nothing. */
  returnTo(position: number): void {
    this.#at = position;
  }
}
