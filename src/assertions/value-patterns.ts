import { quoted } from './errors.ts';
import { refuse } from './header-rules.ts';
import { isList, isMap, type HeaderMap, type HeaderValue } from './header-values.ts';
import { compileTextPattern, type TextPattern } from './text-patterns.ts';

/** Special values that a pattern may use where it stands. */
export interface PatternVocabulary {
  /** Names of `$NAME(argument)` operations. */
  readonly operations: readonly string[];
  /** Names of `$NAME` references. */
  readonly references: readonly string[];
}

/** A compiled constraint on a tree of values. */
export type ValuePattern =
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, ValuePattern> }
  | { readonly kind: 'alternatives'; readonly patterns: readonly ValuePattern[] }
  | { readonly kind: 'text'; readonly pattern: TextPattern }
  | { readonly kind: 'missing' }
  | { readonly kind: 'operation'; readonly name: string; readonly argument: string }
  | { readonly kind: 'reference'; readonly name: string };

const OPERATION = /^\$([A-Z][A-Z_]*)\(([^,]+)(?:,([^,]+))?\)$/;

/**
 * Compiles a constraint as account-keys and declarations write it: maps of patterns, lists of alternatives, and texts
 * that are anchored regular expressions or `$` values.
 * @throws AssertionError `header-invalid`
 */
export function compileValuePattern(constraint: HeaderValue, vocabulary: PatternVocabulary): ValuePattern {
  return compile(constraint, vocabulary, { insideMap: false, insideList: false });
}

interface Place {
  readonly insideMap: boolean;
  readonly insideList: boolean;
}

function compile(constraint: HeaderValue, vocabulary: PatternVocabulary, place: Place): ValuePattern {
  if (isMap(constraint)) {
    const entries = Object.entries(constraint).map(
      ([name, inner]) => [name, compile(inner, vocabulary, { insideMap: true, insideList: false })] as const,
    );
    return { kind: 'map', entries: new Map(entries) };
  }
  if (isList(constraint)) {
    if (place.insideList) return refuse('alternatives of a constraint cannot be nested directly');
    const inside = { insideMap: place.insideMap, insideList: true };
    return { kind: 'alternatives', patterns: constraint.map((inner) => compile(inner, vocabulary, inside)) };
  }
  if (!place.insideMap) return refuse('a constraint must be a map of names and patterns');
  return constraint.startsWith('$') ? special(constraint, vocabulary) : textPattern(constraint);
}

function textPattern(source: string): ValuePattern {
  return { kind: 'text', pattern: compileTextPattern(source) };
}

function special(value: string, vocabulary: PatternVocabulary): ValuePattern {
  if (value === '$MISSING') return { kind: 'missing' };
  if (vocabulary.references.includes(value.slice(1))) return { kind: 'reference', name: value.slice(1) };
  const [, name, argument, more] = OPERATION.exec(value) ?? [];
  if (
    name === undefined ||
    argument === undefined ||
    more !== undefined ||
    !vocabulary.operations.includes(name)
  ) {
    return refuse(`${quoted(value)} is not a special value that a constraint knows here`);
  }
  return { kind: 'operation', name, argument };
}

/** Every pattern of the tree, itself first. */
export function* patternsWithin(pattern: ValuePattern): Generator<ValuePattern> {
  yield pattern;
  const inner =
    pattern.kind === 'map'
      ? pattern.entries.values()
      : pattern.kind === 'alternatives'
        ? pattern.patterns
        : [];
  for (const one of inner) yield* patternsWithin(one);
}

/** Whether header values fit a pattern. Operations and references never fit: they have no meaning for headers. */
export function headersFit(pattern: ValuePattern, headers: HeaderMap): boolean {
  return fits(pattern, headers);
}

function fits(pattern: ValuePattern, value: HeaderValue | undefined): boolean {
  if (pattern.kind === 'missing') return value === undefined;
  if (value === undefined) return false;
  if (isList(value)) return value.every((item) => fits(pattern, item));
  switch (pattern.kind) {
    case 'map':
      return (
        isMap(value) &&
        [...pattern.entries].every(([name, inner]) =>
          fits(inner, Object.hasOwn(value, name) ? value[name] : undefined),
        )
      );
    case 'alternatives':
      return pattern.patterns.some((inner) => fits(inner, value));
    case 'text':
      return typeof value === 'string' && pattern.pattern.matches(value);
    case 'operation':
    case 'reference':
      return false;
  }
}
