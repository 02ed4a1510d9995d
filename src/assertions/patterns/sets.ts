import { PatternSyntaxError, type CharacterSet } from './nodes.ts';

const isDigit: CharacterSet = (c) => c >= 0x30 && c <= 0x39;
const isUpper: CharacterSet = (c) => c >= 0x41 && c <= 0x5a;
const isLower: CharacterSet = (c) => c >= 0x61 && c <= 0x7a;
const isAlpha: CharacterSet = (c) => isUpper(c) || isLower(c);

/** Whether a character belongs to words: ASCII letters, digits and the underscore. */
export const isWord: CharacterSet = (c) => isAlpha(c) || isDigit(c) || c === 0x5f;

const isBlank: CharacterSet = (c) => c === 0x20 || c === 0x09;
const isSpace: CharacterSet = (c) => isBlank(c) || c === 0x0a || c === 0x0c || c === 0x0d;
const isGraph: CharacterSet = (c) => c >= 0x21 && c <= 0x7e;
const isHex: CharacterSet = (c) => isDigit(c) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);

const PERL: ReadonlyMap<string, CharacterSet> = new Map([
  ['d', isDigit],
  ['s', isSpace],
  ['w', isWord],
]);

const POSIX: ReadonlyMap<string, CharacterSet> = new Map([
  ['alnum', (c) => isAlpha(c) || isDigit(c)],
  ['alpha', isAlpha],
  ['ascii', (c) => c >= 0 && c <= 0x7f],
  ['blank', isBlank],
  ['cntrl', (c) => (c >= 0 && c <= 0x1f) || c === 0x7f],
  ['digit', isDigit],
  ['graph', isGraph],
  ['lower', isLower],
  ['print', (c) => isGraph(c) || c === 0x20],
  ['punct', (c) => isGraph(c) && !isAlpha(c) && !isDigit(c)],
  ['space', (c) => isSpace(c) || c === 0x0b],
  ['upper', isUpper],
  ['word', isWord],
  ['xdigit', isHex],
]);

/** The set of `\d`, `\D`, `\s`, `\S`, `\w`, `\W` by its letter; undefined for any other letter. */
export function perlSet(letter: string): CharacterSet | undefined {
  const set = PERL.get(letter.toLowerCase());
  if (set === undefined) return undefined;
  return letter === letter.toLowerCase() ? set : negated(set);
}

/** The set of `[:name:]` or `[:^name:]`. */
export function posixSet(name: string): CharacterSet {
  const isNegated = name.startsWith('^');
  const set = POSIX.get(isNegated ? name.slice(1) : name);
  if (set === undefined) throw new PatternSyntaxError(`[:${name}:] is not a class of characters`);
  return isNegated ? negated(set) : set;
}

/** The set of a Unicode category or script by its name. */
export function unicodeSet(name: string): CharacterSet {
  const expression = propertyExpression(name);
  if (expression === undefined) throw new PatternSyntaxError(`${name} is not a Unicode category or script`);
  return (c) => c >= 0 && expression.test(String.fromCodePoint(c));
}

export function negated(set: CharacterSet): CharacterSet {
  return (c) => c >= 0 && !set(c);
}

/** The set with all other cases of its letters. */
export function foldedSet(set: CharacterSet): CharacterSet {
  return (c) => set(c) || (c >= 0 && otherCases(c).some(set));
}

function otherCases(codePoint: number): readonly number[] {
  const letter = String.fromCodePoint(codePoint);
  const cases = [letter.toLowerCase(), letter.toUpperCase(), letter.toLowerCase().toUpperCase()];
  return cases.filter((one) => [...one].length === 1).map((one) => one.codePointAt(0) ?? codePoint);
}

function propertyExpression(name: string): RegExp | undefined {
  if (!/^[A-Za-z_]+$/.test(name)) return undefined;
  for (const property of [name, `Script=${name}`]) {
    try {
      return new RegExp(`^\\p{${property}}$`, 'u');
    } catch {
      // Not this kind of property; the next kind is tried.
    }
  }
  return undefined;
}
