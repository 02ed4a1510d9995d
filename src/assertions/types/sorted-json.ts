import { compareBytewise } from '../text-bytes.ts';

/** Whether a parsed JSON value is an object. */
export function isJsonObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON value the one way in which bodies hold it: two spaces of indent, sorted names, markup characters escaped. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(sorted(value), undefined, 2).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const names = Object.keys(value).toSorted(compareBytewise);
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
}
