import type { Basis } from './export-contract.ts';

/** A fetch that runs, as its steps know it: they find what it is to bring in its folder. */
export interface RunningFetch {
  /** Names this fetch, and its folder: the same request goes on where an interrupted one stopped. */
  readonly fetchId: string;
  readonly store: string | null;
  /** Setting that seals the login file; never the login itself. */
  readonly credentials: string | null;
  readonly exportDir: string | null;
}

/** Snaps to fetch from another store. */
export interface FetchSnapsInput extends RunningFetch {
  /** All that devices of the store see when empty. */
  readonly names: readonly string[];
  /** Full channel names. */
  readonly channels: readonly string[];
  readonly architectures: readonly string[];
  readonly basis?: Basis;
  /** Whether what the snaps need comes along: bases, the snapd snap, default providers, and what those need. */
  readonly withDependencies?: boolean;
  /** Of a store that becomes one archive, with its metadata and an admin token. */
  readonly whole?: StoreWish;
  /** The moment that names the files, of a second of its own; when the process began where it is absent. */
  readonly at?: string;
  readonly actor: string;
}

/** What of a store goes into its archive, besides metadata and token. */
export interface StoreWish {
  /** Account-keys of the brand, by SHA3-384: those that sign models. */
  readonly keys: readonly string[];
  readonly snaps: boolean;
}

/** Account-keys to fetch. */
export interface FetchKeysInput {
  readonly account: string;
  readonly keys: readonly string[];
  readonly exportDir: string | null;
  /** The moment that names the files, of a second of its own; when the process began where it is absent. */
  readonly at?: string;
  readonly actor: string;
}

/** A store's metadata to fetch from an authority. */
export interface FetchMetadataInput {
  readonly store: string;
  readonly credentials: string;
  readonly exportDir: string | null;
  /** The moment that names the files, of a second of its own; when the process began where it is absent. */
  readonly at?: string;
  readonly actor: string;
}

/** Names a fetch of metadata, which has no other folder than that of its log-in. */
export const metadataFetchId = (store: string) => `metadata-${store}`;

/** One file to download. */
export interface FetchItem {
  readonly name: string;
  readonly revision: number;
  /** Bytes. */
  readonly size: number;
  /** The snaps that it goes with: one, but for a component that several snaps have the same file of. */
  readonly snaps: readonly string[];
  /** Whether the file alone tells what its snap needs: the upstream did not. */
  readonly tellsNeeds: boolean;
}
