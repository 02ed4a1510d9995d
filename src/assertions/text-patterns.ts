import { quoted } from './errors.ts';
import { refuse } from './header-rules.ts';
import { PatternSyntaxError, sizeOf } from './patterns/nodes.ts';
import { parsePattern } from './patterns/parse.ts';
import { PatternProgram } from './patterns/program.ts';

/** A regular expression that must match a whole text, in time proportional to the text. */
export interface TextPattern {
  readonly source: string;
  matches(text: string): boolean;
}

/** Bounds of our own, far beyond what constraints need, that keep hostile patterns cheap. */
const MOST_CHARACTERS = 8192;
const MOST_STEPS = 20_000;

/**
 * Compiles a regular expression in the syntax that assertions use (RE2), anchored at both ends. Its syntax is checked
 * now; the machine that matches is built at first use, for most patterns are only ever carried.
 * @throws AssertionError `header-invalid`
 */
export function compileTextPattern(source: string): TextPattern {
  if (source.length > MOST_CHARACTERS) refuse(`${quoted(source)} is too long for a regular expression`);
  try {
    const pattern = parsePattern(`^(${source})$`);
    if (sizeOf(pattern) > MOST_STEPS) throw new PatternSyntaxError('it grows too large');
    let program: PatternProgram | undefined;
    return { source, matches: (text) => (program ??= new PatternProgram(pattern)).matches(text) };
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error;
    return refuse(`${quoted(source)} is not a regular expression: ${error.message}`);
  }
}
