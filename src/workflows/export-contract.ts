/** What to export, and where to. */
export type ExportInput = StoreExport | SnapsExport;

/**
 * What the other side has already, so that its files need not come along: an inventory that it wrote, archives that were
 * carried there (one file, or a folder of them), or what the chosen channels held at a moment. Files are named by their digest too.
 */
export type Basis =
  | { readonly kind: 'inventory' | 'archives'; readonly path: string; readonly digest: string }
  | { readonly kind: 'time'; readonly at: string };

/** A store with its metadata, keys and snaps, and the token of its admin. */
export interface StoreExport {
  readonly kind: 'store';
  readonly store: string;
  /** Full channel names; all when empty. */
  readonly channels: readonly string[];
  readonly architectures: readonly string[];
  /** Account-keys to add, by SHA3-384. */
  readonly keys: readonly string[];
  readonly snaps: boolean;
  readonly exportDir: string | null;
  /** The account whose admin token is written; the store's first admin when null. */
  readonly admin: string | null;
  /** When the admin token ends at the latest, where it is to end with the log-in that asked for it. */
  readonly adminUntil?: string;
  /** Brands whose stores may include a store of this export, beside those that its definition names. */
  readonly shareWith?: readonly { readonly store: string; readonly brands: readonly string[] }[];
  readonly basis?: Basis;
  /** Whether what the snaps need comes along: bases, the snapd snap, default providers, and what those need. */
  readonly withDependencies?: boolean;
  /** The moment that names the files, of a second of its own; when the process began where it is absent. */
  readonly at?: string;
  readonly actor: string;
}

/** Snaps, each into an archive of its own. */
export interface SnapsExport {
  readonly kind: 'snaps';
  readonly names: readonly string[];
  readonly packages: readonly {
    readonly name: string;
    readonly revision: number;
    readonly channel: string | null;
  }[];
  /** Whether exact revisions must be ones that a channel held at some time: others are their publisher's business. */
  readonly releasedOnly?: boolean;
  readonly channels: readonly string[];
  readonly architectures: readonly string[];
  readonly store: string | null;
  readonly exportDir: string | null;
  readonly basis?: Basis;
  /** Whether what the snaps need comes along: bases, the snapd snap, default providers, and what those need. */
  readonly withDependencies?: boolean;
  /** The moment that names the files, of a second of its own; when the process began where it is absent. */
  readonly at?: string;
  readonly actor: string;
}

/** What was exported. */
export interface ExportOutcome {
  readonly files: readonly ExportedFile[];
  readonly tokenFile: string | null;
  readonly snaps: readonly ExportedRevision[];
  readonly accountKeys: readonly string[];
  readonly warnings: readonly string[];
  /** Names of the snaps that came along because others need them, where that was wished. */
  readonly dependencies?: readonly string[];
  /** What need not come along, of an export that rests on something. */
  readonly leftOut?: LeftOut;
  /** Of a fetch whose log-in was refreshed: the single-sign-on server that did it. */
  readonly loginRefreshed?: string;
}

/** Files that are not in an archive, because they are where it goes to. */
export interface LeftOut {
  readonly files: number;
  readonly bytes: number;
}

/** A finished file. */
export interface ExportedFile {
  readonly subject: string;
  readonly path: string;
  readonly size: number;
}

/** A revision in an archive, once for each channel and architecture. */
export interface ExportedRevision {
  readonly name: string;
  readonly revision: number;
  readonly channel: string;
  readonly architecture: string;
}

/** The admin token that goes with a store's archive: where it is, and what the manifest says of it. */
export interface ExportedToken {
  readonly path: string;
  readonly accountId: string;
  readonly digest: string;
  readonly sessionId: string;
  readonly expiresAt: string;
}

/** An export that an account asked for: it is fetched to another machine, and lies here until then. */
export interface AccountExport {
  /** With a folder of its own, which goes when the export is over. */
  readonly wish: ExportInput & { readonly at: string; readonly exportDir: string };
  /** How long the files wait to be fetched. */
  readonly keepMs: number;
}

/** Query of an account's export: what was exported, null until all of it is there. */
export const EXPORTED = 'exported';

/** Signal to an account's export: its files are where they were to go; of one that is not there yet, that nobody wants it. */
export const EXPORT_FETCHED = 'exportFetched';
