import { readCharacterClass } from './character-classes.ts';
import { PatternCursor } from './cursor.ts';
import { readCharacterEscape, readSetEscape } from './escapes.ts';
import {
  NO_FLAGS,
  OUTSIDE,
  PatternSyntaxError,
  type Boundary,
  type CharacterSet,
  type PatternFlags,
  type PatternNode,
} from './nodes.ts';
import { readRepetition, repeated } from './repetitions.ts';
import { foldedSet, isWord } from './sets.ts';

const NEWLINE = 0x0a;
/** Groups within groups; more than anyone writes, less than a call stack holds. */
const MOST_NESTED = 500;

const AT_START: Boundary = (before) => before === OUTSIDE;
const AT_END: Boundary = (_, after) => after === OUTSIDE;
const AT_LINE_START: Boundary = (before) => before === OUTSIDE || before === NEWLINE;
const AT_LINE_END: Boundary = (_, after) => after === OUTSIDE || after === NEWLINE;
const AT_WORD_EDGE: Boundary = (before, after) => isWord(before) !== isWord(after);
const INSIDE_WORD: Boundary = (before, after) => isWord(before) === isWord(after);

const BOUNDARY_ESCAPES: ReadonlyMap<string, Boundary> = new Map([
  ['A', AT_START],
  ['z', AT_END],
  ['b', AT_WORD_EDGE],
  ['B', INSIDE_WORD],
]);

/**
 * Parses a regular expression in the syntax of RE2, which assertions use: no back-references and no look-around, so that
 * matching takes time in proportion to the text.
 * @throws PatternSyntaxError
 */
export function parsePattern(source: string): PatternNode {
  return new PatternParser(source).parse();
}

class PatternParser {
  readonly #cursor: PatternCursor;
  #flags = NO_FLAGS;
  #depth = 0;

  constructor(source: string) {
    this.#cursor = new PatternCursor(source);
  }

  parse(): PatternNode {
    const node = this.#either();
    if (!this.#cursor.isAtEnd) throw new PatternSyntaxError('a ")" has no "("');
    return node;
  }

  #either(): PatternNode {
    const parts = [this.#sequence()];
    while (this.#cursor.takeIf('|')) parts.push(this.#sequence());
    return { kind: 'either', parts };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    let wasRepeated = false;
    while (!this.#cursor.isAtEnd && this.#cursor.peek() !== '|' && this.#cursor.peek() !== ')') {
      const repetition = readRepetition(this.#cursor);
      if (repetition === undefined) {
        parts.push(...this.#items());
        wasRepeated = false;
        continue;
      }
      const part = parts.pop();
      if (part === undefined) throw new PatternSyntaxError('a repetition has nothing to repeat');
      if (wasRepeated) throw new PatternSyntaxError('a repetition is repeated');
      parts.push(repeated(part, repetition));
      wasRepeated = true;
    }
    return { kind: 'sequence', parts };
  }

  /** The next item; none for flags, several for a quotation. */
  #items(): readonly PatternNode[] {
    const character = this.#cursor.next();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return [{ kind: 'set', has: readCharacterClass(this.#cursor, this.#flags) }];
      case '.':
        return [{ kind: 'set', has: this.#flags.dotAll ? (c) => c >= 0 : (c) => c >= 0 && c !== NEWLINE }];
      case '^':
        return [{ kind: 'boundary', holds: this.#flags.lines ? AT_LINE_START : AT_START }];
      case '$':
        return [{ kind: 'boundary', holds: this.#flags.lines ? AT_LINE_END : AT_END }];
      case '\\':
        return this.#escape();
      default:
        return [this.#literal(character.codePointAt(0) ?? 0)];
    }
  }

  #escape(): readonly PatternNode[] {
    const letter = this.#cursor.peek();
    const boundary = BOUNDARY_ESCAPES.get(letter);
    if (boundary !== undefined) {
      this.#cursor.next();
      return [{ kind: 'boundary', holds: boundary }];
    }
    if (this.#cursor.takeIf('Q')) {
      const quotation = this.#cursor.takeThrough('\\E') ?? this.#cursor.takeRest();
      return [...quotation].map((character) => this.#literal(character.codePointAt(0) ?? 0));
    }
    const set = readSetEscape(this.#cursor);
    if (set !== undefined) return [{ kind: 'set', has: this.#folded(set) }];
    return [this.#literal(readCharacterEscape(this.#cursor))];
  }

  #group(): readonly PatternNode[] {
    const outer = this.#flags;
    if (this.#cursor.peek() === '?' && !this.#readName() && this.#readFlags() === ')') return [];
    this.#depth++;
    if (this.#depth > MOST_NESTED)
      throw new PatternSyntaxError(`groups are nested more than ${MOST_NESTED} deep`);
    const inside = this.#either();
    if (!this.#cursor.takeIf(')')) throw new PatternSyntaxError('a "(" has no ")"');
    this.#depth--;
    this.#flags = outer;
    return [inside];
  }

  /** Reads `?P<name>` or `?<name>`. */
  #readName(): boolean {
    if (!this.#cursor.takeIf('?P<') && !this.#cursor.takeIf('?<')) return false;
    const name = this.#cursor.takeThrough('>');
    if (name === undefined || !/^[A-Za-z0-9_]+$/.test(name))
      throw new PatternSyntaxError('a group has a bad name');
    return true;
  }

  /** Reads `?flags:` or `?flags)`, sets the flags, and gives the character that ended them. */
  #readFlags(): string {
    const written = /^\?([imsU]*)(?:-([imsU]+))?([:)])$/.exec(this.#takeFlagText());
    if (written === null) throw new PatternSyntaxError('a group begins with something unknown after "?"');
    const [, on = '', off = '', end = ''] = written;
    this.#flags = withFlags(withFlags(this.#flags, on, true), off, false);
    return end;
  }

  #takeFlagText(): string {
    let taken = this.#cursor.next();
    while (!this.#cursor.isAtEnd && !/[:)]$/.test(taken)) taken += this.#cursor.next();
    return taken;
  }

  #literal(codePoint: number): PatternNode {
    return { kind: 'set', has: this.#folded((c) => c === codePoint) };
  }

  #folded(set: CharacterSet): CharacterSet {
    return this.#flags.foldCase ? foldedSet(set) : set;
  }
}

function withFlags(flags: PatternFlags, letters: string, value: boolean): PatternFlags {
  return {
    foldCase: letters.includes('i') ? value : flags.foldCase,
    lines: letters.includes('m') ? value : flags.lines,
    dotAll: letters.includes('s') ? value : flags.dotAll,
  };
}
