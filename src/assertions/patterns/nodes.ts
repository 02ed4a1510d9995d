/** A set of characters, by code point. */
export type CharacterSet = (codePoint: number) => boolean;

/** Something that holds between two characters; -1 stands before the first and after the last one. */
export type Boundary = (before: number, after: number) => boolean;

/** A parsed regular expression. Groups leave no trace: only whether a text matches is asked. */
export type PatternNode =
  | { readonly kind: 'set'; readonly has: CharacterSet }
  | { readonly kind: 'boundary'; readonly holds: Boundary }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'either'; readonly parts: readonly PatternNode[] }
  | {
      readonly kind: 'repeat';
      readonly part: PatternNode;
      readonly min: number;
      readonly max: number | undefined;
      /** Written with braces, which count against the limit of repetitions. */
      readonly counted: boolean;
    };

/** Flags in force at a point of a pattern. */
export interface PatternFlags {
  readonly foldCase: boolean;
  /** `^` and `$` match at line ends too. */
  readonly lines: boolean;
  /** `.` matches line ends too. */
  readonly dotAll: boolean;
}

export const NO_FLAGS: PatternFlags = { foldCase: false, lines: false, dotAll: false };

/** Why a text is no regular expression; caught where a pattern is compiled. */
export class PatternSyntaxError extends Error {}

/** Code point that stands for the ends of a text. */
export const OUTSIDE = -1;

/** How many steps a compiled pattern takes: counts multiply what they repeat. */
export function sizeOf(node: PatternNode): number {
  switch (node.kind) {
    case 'set':
    case 'boundary':
      return 1;
    case 'sequence':
    case 'either':
      return node.parts.reduce((size, part) => size + sizeOf(part), 1);
    case 'repeat':
      return 1 + (sizeOf(node.part) + 1) * Math.max(node.min, node.max ?? 0, 1);
  }
}
