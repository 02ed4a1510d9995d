import { ARCHITECTURES } from '../snaps/index.ts';
import { splitNames } from './lists.ts';
import { usageError } from './errors.ts';

const KNOWN: ReadonlySet<string> = new Set(ARCHITECTURES);

/**
 * Architectures with commas between them, checked here: a wrong one would leave everything out.
 *
 * @throws CliError `usage`
 */
export function architecturesOf(text: string): string[] {
  const names = splitNames(text);
  const wrong = names.find((name) => !KNOWN.has(name));
  if (wrong === undefined) return names;
  throw usageError(
    `cannot use the architecture "${wrong.slice(0, 40)}": it is one of ${ARCHITECTURES.join(', ')}`,
  );
}

/**
 * Ids of keys, checked here.
 *
 * @throws CliError `usage`
 */
export function keyIdsOf(words: readonly string[]): readonly string[] {
  const wrong = words.find((word) => !/^[\w-]{64}$/.test(word));
  if (wrong === undefined) return words;
  throw usageError(`cannot use the key "${wrong.slice(0, 80)}": write its SHA3-384, 64 characters long`);
}
