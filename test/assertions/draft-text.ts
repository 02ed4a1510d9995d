import { decodeAssertion, type Assertion, type HeaderValue } from '../../src/assertions/index.ts';
import { writeHeader } from '../../src/assertions/header-writer.ts';
import type { AssertionTypeName } from '../../src/assertions/index.ts';

/** Headers of an unsigned draft; undefined drops one. */
export type DraftHeaders = { readonly [name: string]: HeaderValue | undefined };

export const KEY_ID = 'Jv8_JiHiIzJVcO9M55pPdqSDWUvuhfDIBJUS-3VW7F_idjix7Ffn5qMxB21ZQuij';
export const TIMESTAMP = '2024-01-01T00:00:00Z';

/** Decodes a draft without a real signature, to see whether the rules of its type hold. */
function decodeDraft(type: AssertionTypeName, headers: DraftHeaders, body = ''): Assertion {
  const length = Buffer.byteLength(body);
  const all = {
    type,
    'sign-key-sha3-384': KEY_ID,
    ...(length > 0 && { 'body-length': String(length) }),
    ...headers,
  };
  const head = Object.entries(all)
    .map(([name, value]) => (value === undefined ? '' : writeHeader(name, value)))
    .join('')
    .slice(1);
  return decodeAssertion(`${head}${length > 0 ? `\n\n${body}` : ''}\n\nAXNpZw==`);
}

/** A function that decodes a draft with some headers changed. */
export function draftsOf(
  type: AssertionTypeName,
  headers: DraftHeaders,
  body?: string,
): (changes?: DraftHeaders, otherBody?: string) => Assertion {
  return (changes = {}, otherBody = body) => decodeDraft(type, { ...headers, ...changes }, otherBody);
}
