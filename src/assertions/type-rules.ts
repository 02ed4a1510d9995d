import type { Assertion, AssertionRef } from './assertion.ts';
import type { Scope } from './header-rules.ts';
import type { Headers } from './header-values.ts';
import type { AssertionTypeName } from './type-names.ts';

/** What is known of an assertion type without looking at one of its assertions. */
export interface AssertionType {
  readonly name: AssertionTypeName;
  /** Headers that name one assertion, in order. */
  readonly primaryKey: readonly string[];
  /** Values of the last primary-key headers when an assertion leaves them out. */
  readonly optionalPrimaryKeyDefaults: { readonly [header: string]: string };
  /** Whether an account answers for it, or the signer alone. */
  readonly authority: 'required' | 'none';
  /** Whether the last primary-key header is a number that counts up. */
  readonly sequenceForming: boolean;
  /** Highest format number that we understand. */
  readonly maxFormat: number;
}

/** The parts of an assertion that the rules of its type look at. */
export interface Draft extends Scope {
  readonly body: Uint8Array;
  readonly format: number;
  readonly signKeyId: string;
}

/** Assertions that are known and trusted already, as the rules between assertions see them. */
export interface KnownAssertions {
  find(type: AssertionTypeName, primaryKey: readonly string[]): Promise<Assertion | undefined>;
  /** Whether the account is one of the roots of trust. */
  isRoot(accountId: string): Promise<boolean>;
}

/** An assertion type with all its rules. */
export interface TypeRules extends AssertionType {
  /** Checks headers and body; throws AssertionError `header-invalid` or `body-invalid`. */
  readonly check: (draft: Draft) => void;
  /** The lowest format number that can express the headers; 0 when absent. */
  readonly neededFormat?: (headers: Headers) => number;
  /** Whether the "timestamp" must lie within the validity of the signing key. */
  readonly timestamped: boolean;
  /** Other assertions that must be known for this one to hold. */
  readonly prerequisites?: (assertion: Assertion) => readonly AssertionRef[];
  /** Checks against what is known; throws AssertionError `not-trusted`, `prerequisite-missing`, `assertion-inconsistent`. */
  readonly checkAgainst?: (assertion: Assertion, known: KnownAssertions) => Promise<void>;
}

type Given = Pick<TypeRules, 'name' | 'primaryKey' | 'check'> & Partial<TypeRules>;

/** Rules of a type with the ordinary values filled in. */
export function defineType(given: Given): TypeRules {
  return {
    optionalPrimaryKeyDefaults: {},
    authority: 'required',
    sequenceForming: false,
    maxFormat: 0,
    timestamped: false,
    ...given,
  };
}
