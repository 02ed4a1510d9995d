/**
 * What the authority's workflows take and give. Times are ISO 8601 texts, digests lower-case hex, as payloads need.
 * API and activities import this file; it imports nothing but types.
 */
import type { KeyBounds } from '../assertions/index.ts';

/** Asks that an authority come into being here, with an account and keys of its own. */
export interface InitAuthorityInput {
  readonly accountId: string;
  readonly username: string;
  readonly displayName: string;
  readonly email: string;
  /** The HSM token for each key, by its name; the default token when absent. */
  readonly rootToken?: string | undefined;
  readonly storeToken?: string | undefined;
}

/** One statement that the authority is to sign, named by the rows that it is made from. */
export type IssueRequest =
  /** `asOf` is when the account was changed, as of a store. */
  | { readonly kind: 'account'; readonly accountId: string; readonly asOf?: string }
  /** `root` is signed by itself, `store` by root. */
  | { readonly kind: 'authority-key'; readonly name: 'root' | 'store' }
  /**
   * `request` is the text of an account-key-request that was checked at the edge; it is checked again here. `bounds` are narrower ones
   * than it asks for.
   */
  | { readonly kind: 'account-key'; readonly request: string; readonly bounds?: KeyBounds }
  | { readonly kind: 'account-key-revocation'; readonly keyId: string }
  /**
   * Without a `url` the one that was signed before stays. `asOf` is when the store was changed, so that a request after a further change
   * does not join the one that saw the former state.
   */
  | { readonly kind: 'store'; readonly storeId: string; readonly url: string | null; readonly asOf?: string }
  | { readonly kind: 'snap-declaration'; readonly snapId: string; readonly grants?: SnapGrants }
  /** `unscope` takes the stores back out of the grants. */
  | {
      readonly kind: 'scope';
      readonly snapId: string;
      readonly stores: readonly string[];
      readonly undo: boolean;
    }
  | { readonly kind: 'snap-revision'; readonly snapId: string; readonly revision: number };

/** Rules of a snap-declaration, by interface; values as the assertion language has them. */
export interface SnapGrants {
  readonly plugs?: GrantRules;
  readonly slots?: GrantRules;
}

/** A header value: text, list or map. */
export type GrantRule = string | readonly GrantRule[] | { readonly [name: string]: GrantRule };

/** Rules by the name of the interface. */
export type GrantRules = { readonly [name: string]: GrantRule };

/** What was issued; `changed` is false when the newest assertion says the same already. */
export interface Issued {
  readonly type: string;
  readonly primaryKey: readonly string[];
  readonly revision: number;
  readonly changed: boolean;
}

/** Asks to bring the rows and the signed statements of one act together. */
export interface IssueInput {
  /** Account id, or `operator`: for the log. */
  readonly actor: string;
  readonly requests: readonly IssueRequest[];
}

/** How an upload ended, or where it waits. */
export interface UploadOutcome {
  /** `approved`: signed and, if asked, released. `held`: a reviewer or a snap-build is needed. `rejected`: see the errors. */
  readonly state: 'approved' | 'held' | 'rejected';
  readonly snapId: string | null;
  readonly revision: number | null;
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

/** Asks to tie, or untie, the automatic grants of snaps to stores (seed 002). */
export interface ScopeInput {
  readonly actor: string;
  readonly snapIds: readonly string[];
  readonly stores: readonly string[];
  readonly undo: boolean;
}

/** Workflow ids: a second request for the same thing joins the first. */
export const INIT_AUTHORITY_ID = 'authority/init';
export const publishUploadId = (uploadId: string) => `upload/${uploadId}`;
export const issueId = (subject: string) => `issue/${subject}`;
export const scopeId = (store: string) => `scope/${store}`;
