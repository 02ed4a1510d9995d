import type { Headers } from './header-values.ts';
import type { AssertionTypeName } from './type-names.ts';

/** A signed statement, as it came. Whoever holds one knows that its type's own rules hold, not yet that it is trusted. */
export interface Assertion {
  readonly type: AssertionTypeName;
  /** All headers, with the defaults of optional parts of the primary key filled in. */
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The bytes that the signature covers: headers and body. */
  readonly content: Uint8Array;
  /** The signature's text as it came, line ends included. */
  readonly signature: Uint8Array;
  /** The original encoding; what is stored and served, never encoded again. */
  readonly bytes: Uint8Array;
  /** Format iteration of the type, 0 when not given. */
  readonly format: number;
  /** Revision under the same primary key, 0 when not given. */
  readonly revision: number;
  readonly primaryKey: readonly string[];
  /** Account that answers for it; undefined for the self-signed types. */
  readonly authorityId: string | undefined;
  /** Id of the key that signed. */
  readonly signKeyId: string;
}

/** Names one assertion, whatever its revision. */
export interface AssertionRef {
  readonly type: AssertionTypeName;
  readonly primaryKey: readonly string[];
}

/** A text that is the same for two references exactly when they name the same assertion. */
export function refKey(ref: AssertionRef): string {
  return [ref.type, ...ref.primaryKey].join('/');
}

/** A reference in words, for sentences. */
export function refWords(ref: AssertionRef): string {
  return ref.primaryKey.length === 0 ? ref.type : `${ref.type} ${ref.primaryKey.join('/')}`;
}

/** Where assertions are looked up: a repository, a batch, a list. Gives the newest revision that it has. */
export interface AssertionSource {
  find(type: AssertionTypeName, primaryKey: readonly string[]): Promise<Assertion | undefined>;
}
