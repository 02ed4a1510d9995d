import type { PatternCursor } from './cursor.ts';
import { PatternSyntaxError, type PatternNode } from './nodes.ts';

/** Most repetitions that braces may ask for, nested ones multiplied. */
const MOST = 1000;

/** How often something is repeated. */
export interface Repetition {
  readonly min: number;
  readonly max: number | undefined;
  readonly counted: boolean;
}

/** Reads `*`, `+`, `?` or a count in braces, with the `?` that makes it lazy; undefined, with nothing taken, otherwise. */
export function readRepetition(cursor: PatternCursor): Repetition | undefined {
  const repetition = readMark(cursor) ?? readCount(cursor);
  if (repetition !== undefined) cursor.takeIf('?');
  return repetition;
}

/** The part repeated, unless that is more than is allowed. */
export function repeated(part: PatternNode, repetition: Repetition): PatternNode {
  const node: PatternNode = { kind: 'repeat', part, ...repetition };
  const isLarge = repetition.min >= 2 || (repetition.max ?? 0) >= 2;
  if (repetition.counted && isLarge && !isWithin(node, MOST)) {
    throw new PatternSyntaxError(`something is repeated more than ${MOST} times`);
  }
  return node;
}

function readMark(cursor: PatternCursor): Repetition | undefined {
  if (cursor.takeIf('*')) return { min: 0, max: undefined, counted: false };
  if (cursor.takeIf('+')) return { min: 1, max: undefined, counted: false };
  if (cursor.takeIf('?')) return { min: 0, max: 1, counted: false };
  return undefined;
}

/** `{n}`, `{n,}`, `{n,m}`; braces that hold anything else are ordinary characters. */
function readCount(cursor: PatternCursor): Repetition | undefined {
  if (cursor.peek() !== '{') return undefined;
  const start = cursor.position;
  cursor.next();
  const inside = cursor.takeThrough('}');
  const [, least, comma, most = ''] = /^(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?$/.exec(inside ?? '') ?? [];
  if (least === undefined) {
    cursor.returnTo(start);
    return undefined;
  }
  const min = Number(least);
  const max = comma === undefined ? min : most === '' ? undefined : Number(most);
  if (min > MOST || (max !== undefined && (max > MOST || max < min))) {
    throw new PatternSyntaxError(`{${inside}} is not a count of at most ${MOST}`);
  }
  return { min, max, counted: true };
}

function isWithin(node: PatternNode, most: number): boolean {
  switch (node.kind) {
    case 'set':
    case 'boundary':
      return true;
    case 'sequence':
    case 'either':
      return node.parts.every((part) => isWithin(part, most));
    case 'repeat': {
      if (!node.counted) return isWithin(node.part, most);
      if (node.max === 0) return true;
      const times = node.max ?? node.min;
      return times <= most && isWithin(node.part, times > 0 ? Math.floor(most / times) : most);
    }
  }
}
