import type { Channel } from '../../snaps/index.ts';

/** Who asks for a snap that not everybody sees. */
export interface SnapAccess {
  /** Content of a log-in file. */
  readonly credentials: string;
  /** Brand store that the snap is in. */
  readonly store: string;
}

/** A snap in the store that devices get it from, whatever overrides say. */
export interface KnownSnap {
  readonly snapId: string;
  /** The revision that a channel holds, by architecture. */
  held(channel: Channel): ReadonlyMap<string, number>;
  /** Architectures of a revision; none when there is no such revision. */
  architecturesOf(revision: number): Promise<readonly string[]>;
}

/** Where overrides are checked: what this host stores, or its upstream. */
export interface SnapSource {
  /** Undefined when there is no such snap, or none that the asker may see. */
  find(name: string, access: SnapAccess | undefined, signal: AbortSignal): Promise<KnownSnap | undefined>;
  /** What to do when a snap or its revision is not there; completes "cannot override NAME: it is not there; …". */
  readonly hint: string;
}
