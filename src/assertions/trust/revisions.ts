import { refKey, type Assertion, type AssertionSource } from '../assertion.ts';
import { ownValue, type Headers } from '../header-values.ts';
import type { AssertionTypeName } from '../type-names.ts';
import { rulesOf } from '../type-registry.ts';

/**
 * The lowest format number that can express the headers of a type.
 * @throws AssertionError `header-invalid` when the headers break the type's rules
 */
export function suggestFormat(type: AssertionTypeName, headers: Headers): number {
  return rulesOf(type).neededFormat?.(headers) ?? 0;
}

/** The newest of some revisions of one assertion whose format a reader understands; undefined when there is none. */
export function newestRevision(
  revisions: Iterable<Assertion>,
  maxFormat: number = Number.MAX_SAFE_INTEGER,
): Assertion | undefined {
  let newest: Assertion | undefined;
  for (const one of revisions) {
    if (one.format <= maxFormat && (newest === undefined || one.revision > newest.revision)) newest = one;
  }
  return newest;
}

/**
 * A full primary key from one that may leave out its optional last parts (as paths of the assertions endpoint do);
 * undefined when it has too few or too many parts, or an empty one.
 */
export function completePrimaryKey(
  type: AssertionTypeName,
  given: readonly string[],
): readonly string[] | undefined {
  const { primaryKey, optionalPrimaryKeyDefaults } = rulesOf(type);
  if (given.length > primaryKey.length || given.includes('')) return undefined;
  const full = primaryKey.map((header, at) => given[at] ?? ownValue(optionalPrimaryKeyDefaults, header));
  return full.every((part) => typeof part === 'string') ? full : undefined;
}

/** A source over assertions in memory; the newest revision of each wins. */
export function sourceOf(assertions: Iterable<Assertion>): AssertionSource {
  const byKey = new Map<string, Assertion>();
  for (const assertion of assertions) {
    const key = refKey(assertion);
    const known = byKey.get(key);
    if (known === undefined || assertion.revision > known.revision) byKey.set(key, assertion);
  }
  return { find: async (type, primaryKey) => byKey.get(refKey({ type, primaryKey })) };
}

/** A source that asks several in turn and gives the newest revision that any of them has. */
export function combinedSource(...sources: readonly AssertionSource[]): AssertionSource {
  return {
    async find(type, primaryKey) {
      const found = await Promise.all(sources.map((source) => source.find(type, primaryKey)));
      return newestRevision(found.filter((one) => one !== undefined));
    },
  };
}
