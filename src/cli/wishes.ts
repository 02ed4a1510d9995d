import { ARCHITECTURES, isSnapName } from '../snaps/index.ts';
import { splitNames } from './lists.ts';
import { usageError } from './errors.ts';

const KNOWN: ReadonlySet<string> = new Set(ARCHITECTURES);

/**
 * Names of snaps, checked here: an upstream says of any other word that there is no such snap, as of one that is private.
 *
 * @throws CliError `usage`
 */
export function snapNamesOf(words: readonly string[]): readonly string[] {
  const wrong = words.find((word) => !isSnapName(word));
  if (wrong === undefined) return words;
  throw usageError(
    `cannot use the snap name "${wrong.slice(0, 80)}": names have at most 40 lower-case letters, digits and single hyphens`,
  );
}

/**
 * Channels with commas between them. None at all would mean every channel to those who are asked, which nobody means by an empty word.
 *
 * @throws CliError `usage`
 */
export function channelsOf(texts: readonly string[]): string[] {
  return someNames(texts, 'channel');
}

/**
 * Architectures with commas between them, checked here: a wrong one would leave everything out.
 *
 * @throws CliError `usage`
 */
export function architecturesOf(texts: readonly string[]): string[] {
  const names = someNames(texts, 'architecture');
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

/**
 * Ids of keys, of an option with commas between them.
 *
 * @throws CliError `usage`
 */
export function listedKeyIds(texts: readonly string[]): readonly string[] {
  return keyIdsOf(someNames(texts, 'key'));
}

/** At least one name each time: an empty word is a variable of a script that was not set. */
function someNames(texts: readonly string[], what: 'channel' | 'architecture' | 'key'): string[] {
  const lists = texts.map((text) => ({ text, names: splitNames(text) }));
  const empty = lists.find(({ names }) => names.length === 0);
  if (empty === undefined) return [...new Set(lists.flatMap(({ names }) => names))];
  throw usageError(
    `cannot use "${empty.text}" as a list of ${what}s: name one or more, with commas between them`,
  );
}
