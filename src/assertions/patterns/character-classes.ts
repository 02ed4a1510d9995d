import type { PatternCursor } from './cursor.ts';
import { readCharacterEscape, readSetEscape } from './escapes.ts';
import { PatternSyntaxError, type CharacterSet, type PatternFlags } from './nodes.ts';
import { foldedSet, negated, posixSet } from './sets.ts';

/** Reads a class after its `[`, up to and with its `]`. */
export function readCharacterClass(cursor: PatternCursor, flags: PatternFlags): CharacterSet {
  const isNegated = cursor.takeIf('^');
  const members: CharacterSet[] = [];
  for (let isFirst = true; isFirst || cursor.peek() !== ']'; isFirst = false)
    members.push(readMember(cursor));
  cursor.next();
  const any: CharacterSet = (c) => members.some((has) => has(c));
  const set = flags.foldCase ? foldedSet(any) : any;
  return isNegated ? negated(set) : set;
}

function readMember(cursor: PatternCursor): CharacterSet {
  if (cursor.isAtEnd) throw new PatternSyntaxError('a class has no "]"');
  return readPosix(cursor) ?? readEscapedSet(cursor) ?? readRange(cursor);
}

function readPosix(cursor: PatternCursor): CharacterSet | undefined {
  const start = cursor.position;
  if (!cursor.takeIf('[:')) return undefined;
  const name = cursor.takeThrough(':]');
  if (name !== undefined) return posixSet(name);
  cursor.returnTo(start);
  return undefined;
}

function readEscapedSet(cursor: PatternCursor): CharacterSet | undefined {
  if (cursor.peek() !== '\\' || !/[pPdDsSwW]/.test(cursor.peek(1))) return undefined;
  cursor.next();
  return readSetEscape(cursor);
}

function readRange(cursor: PatternCursor): CharacterSet {
  const low = readBound(cursor);
  if (cursor.peek() !== '-' || cursor.peek(1) === '' || cursor.peek(1) === ']') return (c) => c === low;
  cursor.next();
  const high = readBound(cursor);
  if (high < low) throw new PatternSyntaxError('a range of characters runs backwards');
  return (c) => c >= low && c <= high;
}

function readBound(cursor: PatternCursor): number {
  if (cursor.isAtEnd) throw new PatternSyntaxError('a class has no "]"');
  const character = cursor.next();
  return character === '\\' ? readCharacterEscape(cursor) : (character.codePointAt(0) ?? 0);
}
