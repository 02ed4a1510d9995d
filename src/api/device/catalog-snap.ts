import type { SnapInStore } from '../../brands/index.ts';
import type { DecidableSnap, Epoch, SearchEntry } from '../../snaps/index.ts';

/** Who publishes a snap, as the store shows it. */
export interface Publisher {
  readonly id: string;
  readonly username: string;
  readonly 'display-name': string;
  readonly validation: string;
}

/** A file that devices fetch. */
export interface CatalogFile {
  /** SHA3-384, lower-case hex: the blob's address. */
  readonly digest: string;
  readonly size: number;
}

/** A binary difference that leads to a revision. */
export interface CatalogDelta extends CatalogFile {
  readonly format: string;
  readonly source: number;
}

/** A component in the revision that goes with a snap revision. */
export interface CatalogComponent extends CatalogFile {
  readonly name: string;
  readonly type: string;
  readonly revision: number;
  readonly version: string;
  readonly description: string;
  readonly createdAt: string;
}

/** One revision of a snap, with all that devices may ask about it. */
export interface CatalogRevision extends CatalogFile {
  readonly revision: number;
  readonly version: string;
  readonly type: string;
  readonly architectures: readonly string[];
  readonly base: string | undefined;
  readonly confinement: string;
  readonly epoch: Epoch;
  readonly snapYaml: string;
  readonly createdAt: string;
  readonly deltas: readonly CatalogDelta[];
  readonly components: readonly CatalogComponent[];
}

/** An icon whose file is here. */
export interface CatalogIcon {
  readonly digest: string;
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** A snap as this process holds it, for one generation of the catalog. */
export interface CatalogSnap extends DecidableSnap<CatalogRevision>, SnapInStore {
  readonly name: string;
  readonly type: string;
  readonly publisher: Publisher;
  readonly title: string;
  readonly summary: string;
  readonly description: string;
  readonly license: string;
  readonly contact: string;
  readonly website: string;
  readonly links: Readonly<Record<string, readonly string[]>>;
  readonly icon: CatalogIcon | undefined;
  readonly categories: readonly { readonly name: string; readonly featured: boolean }[];
  /** Roughly what it takes in memory, in bytes. */
  readonly weight: number;
}

/** A snap as searches and lists see it. */
export interface ListedSnap extends SnapInStore, SearchEntry {
  readonly categories: readonly { readonly name: string; readonly featured: boolean }[];
}
