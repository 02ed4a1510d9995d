import type { PatternCursor } from './cursor.ts';
import { PatternSyntaxError, type CharacterSet } from './nodes.ts';
import { negated, perlSet, unicodeSet } from './sets.ts';

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['a', 0x07],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['v', 0x0b],
]);
const LAST_CODE_POINT = 0x10ffff;

/** Reads `\d`, `\pL`, `\P{Greek}` and the like after the backslash; undefined, with nothing taken, for anything else. */
export function readSetEscape(cursor: PatternCursor): CharacterSet | undefined {
  const letter = cursor.peek();
  if (letter !== 'p' && letter !== 'P') {
    const set = perlSet(letter);
    if (set !== undefined) cursor.next();
    return set;
  }
  cursor.next();
  const first = cursor.next();
  const name = first === '{' ? cursor.takeThrough('}') : first;
  if (name === undefined) throw new PatternSyntaxError('a Unicode class has no "}"');
  const isNegated = (letter === 'P') !== name.startsWith('^');
  const set = unicodeSet(name.startsWith('^') ? name.slice(1) : name);
  return isNegated ? negated(set) : set;
}

/** Reads an escaped character after the backslash. */
export function readCharacterEscape(cursor: PatternCursor): number {
  const letter = cursor.next();
  const control = CONTROLS.get(letter);
  if (control !== undefined) return control;
  if (letter === 'x') return readHex(cursor);
  if (letter === '0' || (/[1-7]/.test(letter) && /[0-7]/.test(cursor.peek())))
    return readOctal(cursor, letter);
  const code = letter.codePointAt(0) ?? 0;
  if (code < 0x80 && !/[0-9A-Za-z]/.test(letter)) return code;
  throw new PatternSyntaxError(`\\${letter} is not an escape`);
}

function readOctal(cursor: PatternCursor, first: string): number {
  let digits = first;
  while (digits.length < 3 && /[0-7]/.test(cursor.peek())) digits += cursor.next();
  return Number.parseInt(digits, 8);
}

function readHex(cursor: PatternCursor): number {
  const digits = cursor.takeIf('{') ? (cursor.takeThrough('}') ?? '') : cursor.next() + cursor.next();
  const value = /^[0-9A-Fa-f]+$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  if (!(value <= LAST_CODE_POINT)) throw new PatternSyntaxError('\\x has no character number');
  return value;
}
