import { AssertionError } from './errors.ts';

/** A header is a text, a list or a map; lists and maps nest, and their only scalars are texts. */
export type HeaderValue = string | readonly HeaderValue[] | { readonly [name: string]: HeaderValue };

/** A map of header values by name. */
export type HeaderMap = { readonly [name: string]: HeaderValue };

/** All headers of an assertion, by name. */
export type Headers = HeaderMap;

/** Whether the value is a list. */
export function isList(value: HeaderValue | undefined): value is readonly HeaderValue[] {
  return Array.isArray(value);
}

/** Whether the value is a map. */
export function isMap(value: HeaderValue | undefined): value is HeaderMap {
  return typeof value === 'object' && !Array.isArray(value);
}

/** The value under a name, never one that the object merely inherits. */
export function ownValue(map: HeaderMap, name: string): HeaderValue | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

/**
 * The text of a header that must be there.
 * @throws AssertionError `header-invalid` when it is absent or not a text.
 */
export function text(holder: { readonly headers: Headers }, header: string): string {
  const value = ownValue(holder.headers, header);
  if (typeof value === 'string') return value;
  throw new AssertionError('header-invalid', `cannot read the "${header}" header: it is not a text`);
}

/** The text of a header; undefined when it is absent or not a text. */
export function optionalText(holder: { readonly headers: Headers }, header: string): string | undefined {
  const value = ownValue(holder.headers, header);
  return typeof value === 'string' ? value : undefined;
}

/** The items of a list header; empty when it is absent or not a list. */
export function list(holder: { readonly headers: Headers }, header: string): readonly HeaderValue[] {
  const value = ownValue(holder.headers, header);
  return isList(value) ? value : [];
}

/** The texts of a list header; items that are not texts are left out. */
export function textList(holder: { readonly headers: Headers }, header: string): readonly string[] {
  return list(holder, header).filter((item) => typeof item === 'string');
}
