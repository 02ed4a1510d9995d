import {
  formatTimestamp,
  SERIES,
  type AssertionDraft,
  type AssertionTypeName,
  type Headers,
  type HeaderValue,
} from '../assertions/index.ts';
import type { Account } from './accounts.ts';

/** Who signs, which revision this is, and the moment that it states. */
export interface Issue {
  readonly authorityId: string;
  readonly revision: number;
  readonly at: Date;
}

/** What the authority says of an account. */
export function accountDraft(account: Account, issue: Issue): AssertionDraft {
  return draft('account', issue, {
    'account-id': account.id,
    'display-name': account.displayName,
    username: account.username,
    validation: account.validation,
    timestamp: formatTimestamp(issue.at),
  });
}

/**
 * That a key speaks for an account, from `since` on. `until` equal to `since` says that it never did: this is how a
 * key is revoked (protocol/publishers.md, section 11).
 */
export function accountKeyDraft(
  key: {
    readonly accountId: string;
    readonly name: string;
    readonly keyId: string;
    /** The public key as an account-key-request's body holds it. */
    readonly body: string;
    readonly since: string;
    readonly until: string | undefined;
    readonly constraints: HeaderValue | undefined;
  },
  issue: Issue,
): AssertionDraft {
  const headers = {
    'public-key-sha3-384': key.keyId,
    'account-id': key.accountId,
    name: key.name,
    since: key.since,
    ...(key.until === undefined ? {} : { until: key.until }),
    ...(key.constraints === undefined ? {} : { constraints: key.constraints }),
  };
  return { ...draft('account-key', issue, headers), body: key.body };
}

/** That a store exists, who operates it and where it is. */
export function storeDraft(
  store: {
    readonly id: string;
    readonly operatorId: string;
    readonly url: string | undefined;
    /** Stores whose "on-store" rules hold for devices of this one too. */
    readonly friendlyStores: readonly string[];
  },
  issue: Issue,
): AssertionDraft {
  return draft('store', issue, {
    store: store.id,
    'operator-id': store.operatorId,
    ...(store.url === undefined ? {} : { url: store.url }),
    ...(store.friendlyStores.length === 0 ? {} : { 'friendly-stores': store.friendlyStores }),
    timestamp: formatTimestamp(issue.at),
  });
}

/** Whose a snap is, what it is called and which interfaces it gets by itself. */
export function snapDeclarationDraft(
  snap: { readonly snapId: string; readonly name: string; readonly publisherId: string },
  grants: { readonly plugs?: HeaderValue; readonly slots?: HeaderValue },
  issue: Issue,
): AssertionDraft {
  return draft('snap-declaration', issue, {
    series: SERIES,
    'snap-id': snap.snapId,
    'snap-name': snap.name,
    'publisher-id': snap.publisherId,
    ...(grants.plugs === undefined ? {} : { plugs: grants.plugs }),
    ...(grants.slots === undefined ? {} : { slots: grants.slots }),
    timestamp: formatTimestamp(issue.at),
  });
}

/** A further revision of a declaration, with other grants and all else as it was. */
export function nextDeclarationDraft(current: Headers, proposed: Headers, issue: Issue): AssertionDraft {
  const kept = Object.entries({ ...current, ...proposed }).filter(([name]) => !MADE_BY_SIGNING.has(name));
  return draft('snap-declaration', issue, {
    ...Object.fromEntries(kept),
    timestamp: formatTimestamp(issue.at),
  });
}

/** That a file is a certain revision of a snap. */
export function snapRevisionDraft(
  revision: {
    readonly snapId: string;
    /** SHA3-384, base64url. */
    readonly sha3_384: string;
    /** Bytes. */
    readonly size: number;
    readonly revision: number;
    readonly developerId: string;
    readonly provenance: string | undefined;
  },
  issue: Issue,
): AssertionDraft {
  return draft('snap-revision', issue, {
    'snap-sha3-384': revision.sha3_384,
    'snap-id': revision.snapId,
    'snap-size': String(revision.size),
    'snap-revision': String(revision.revision),
    'developer-id': revision.developerId,
    ...(revision.provenance === undefined ? {} : { provenance: revision.provenance }),
    timestamp: formatTimestamp(issue.at),
  });
}

/** Headers that belong to one signed text and not to what it says. */
const MADE_BY_SIGNING = new Set([
  'type',
  'format',
  'authority-id',
  'revision',
  'timestamp',
  'sign-key-sha3-384',
  'body-length',
]);

function draft(type: AssertionTypeName, issue: Issue, headers: Record<string, HeaderValue>): AssertionDraft {
  const revision = issue.revision > 0 ? { revision: String(issue.revision) } : {};
  return { type, headers: { 'authority-id': issue.authorityId, ...revision, ...headers } };
}
