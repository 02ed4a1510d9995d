import { quoted } from './errors.ts';
import { refuse } from './header-rules.ts';

/** A regular expression that must match a whole text. */
export interface TextPattern {
  readonly source: string;
  matches(text: string): boolean;
}

/**
 * Compiles a regular expression in the syntax that assertions use.
 * @throws AssertionError `header-invalid`
 */
export function compileTextPattern(source: string): TextPattern {
  try {
    const expression = new RegExp(`^(?:${source})$`, 'u');
    return { source, matches: (text) => expression.test(text) };
  } catch {
    return refuse(`${quoted(source)} is not a regular expression`);
  }
}
