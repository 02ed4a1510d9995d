import type { ErrorKind } from '../errors.ts';

/** What a push may bring. */
export type ImportKind = 'store' | 'snap' | 'snap-pair' | 'store-metadata' | 'account-keys';

/** One file to import, identified before anything is started. */
export interface ImportInput {
  readonly kind: ImportKind;
  readonly path: string;
  /** The NAME.assert of a pair. */
  readonly assertions: string | null;
  /** Channels that a pair is put into. */
  readonly channels: readonly string[];
  /** Of a single snap: take over its channel map too. */
  readonly pushChannelMap: boolean;
  /** Fingerprint that the exporter's key must have; null: pin, or compare with the pinned one. */
  readonly exporter: string | null;
  readonly allowOlder: boolean;
  /** SHA3-384 in hex: of the manifest where there is one, of the snap of a pair, else of the file. Also in the workflow's id. */
  readonly digest: string;
  readonly actor: string;
}

/** A share of the revisions of an import, which one child verifies. */
export interface ImportSlice {
  readonly from: number;
  readonly to: number;
}

/** What an import did, or found done already. */
export interface ImportOutcome {
  readonly kind: ImportKind;
  readonly digest: string;
  readonly store: string | null;
  readonly exporter: string | null;
  readonly unchanged: boolean;
  readonly snaps: readonly ImportedRevision[];
  readonly stores: readonly string[];
  /** Ids of the account-keys that were not here before. */
  readonly accountKeys: readonly string[];
  readonly admin: { readonly accountId: string; readonly email: string } | null;
  readonly exporterPinned: boolean;
  /** Snaps that the file speaks of, and that were not pushed yet. */
  readonly awaited: AwaitedSnaps;
  readonly changes: { readonly new: number; readonly updated: number; readonly removed: number };
}

/** Snaps that devices will see once they are pushed. */
export interface AwaitedSnaps {
  /** The first hundred. */
  readonly names: readonly string[];
  readonly more: number;
}

/** One revision of a snap that an import brought. */
export interface ImportedRevision {
  readonly name: string;
  readonly revision: number;
  readonly new: boolean;
  readonly channels: readonly string[];
  /** Whether the import changed what any channel of the snap holds. */
  readonly channelsMoved: boolean;
}

/** What there is to do, or the outcome of an earlier import of the very file. */
export type ImportStart = { readonly done: ImportOutcome } | { readonly done: null; readonly bytes: number };

/** What was unpacked. */
export interface ImportUnpacked {
  /** Revisions to verify. */
  readonly revisions: number;
}

/** How far to go back. */
export interface RollBackInput {
  /** The oldest import or removal to undo; null: the newest alone. */
  readonly to: number | null;
  /** Only tell what would change. */
  readonly dryRun: boolean;
  /** Whether what changes is listed, for which the whole catalogue is read twice; it is unless told. */
  readonly changes?: boolean;
  readonly actor: string;
}

/** What a roll-back did, or would do. */
export interface RollBackOutcome {
  readonly applied: boolean;
  /** The imports and removals that are undone, newest first. */
  readonly undone: readonly {
    readonly id: number;
    readonly kind: string;
    readonly fileName: string;
    readonly importedAt: string;
  }[];
  /** What differs between before and after, where it was asked for. */
  readonly items: readonly ImportPlanItem[];
  /** Changes beyond those in `items`. */
  readonly moreItems: number;
  /** Files that nothing speaks of any more, and that went. */
  readonly removedBlobs: number;
}

/** One change that an import makes, or would make; `refused` says why it would not be made at all. */
export interface ImportPlanItem {
  readonly action: 'new' | 'updated' | 'removed' | 'unchanged' | 'refused';
  readonly kind: 'snap' | 'revision' | 'channel' | 'store' | 'assertion' | 'account' | 'admin' | 'exporter';
  readonly subject: string;
  readonly detail: string;
}

/** What an import would do. */
export interface ImportPlan {
  readonly kind: ImportKind;
  readonly digest: string;
  readonly store: string | null;
  readonly exporter: string | null;
  readonly exportedAt: string | null;
  readonly alreadyImported: boolean;
  readonly newBytes: number;
  readonly awaited: AwaitedSnaps;
  readonly items: readonly ImportPlanItem[];
  /** Of a push that would be refused: the error that it would end with; the one item has its sentence. */
  readonly refused: { readonly kind: ErrorKind; readonly code: string } | null;
}

/** What to remove: a snap, one revision of it, or (both null) what no channel holds. */
export interface RemovalInput {
  readonly snap: string | null;
  readonly revision: number | null;
  readonly dryRun: boolean;
  readonly actor: string;
}

/** What was removed, or would be. */
export interface RemovalOutcome {
  readonly applied: boolean;
  readonly items: readonly { readonly name: string; readonly revision: number; readonly bytes: number }[];
  readonly freedBytes: number;
  /** Bytes of files that stay, so that roll-back can bring them back. */
  readonly keptBytes: number;
  /** What a prune ends; null for any other removal, and where everything can be undone as before. */
  readonly past: RemovedPast | null;
}

/** The imports and removals that can no longer be undone after a prune. */
export interface RemovedPast {
  readonly upToId: number;
  readonly acts: number;
  /** Files that were kept for them alone. */
  readonly items: readonly { readonly subject: string; readonly bytes: number }[];
}
