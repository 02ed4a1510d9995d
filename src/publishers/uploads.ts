import { PublisherError } from './errors.ts';

/** What a snap file says of itself, as read from its snap.yaml. */
export interface UploadedSnap {
  readonly name: string;
  readonly version: string;
  readonly architectures: readonly string[];
  readonly confinement: 'strict' | 'classic' | 'devmode';
  readonly grade: 'stable' | 'devel';
}

/** A revision that the store has for the same snap. */
export interface KnownRevision {
  readonly revision: number;
  readonly sha3_384: string;
}

/** `new`: give it this revision number. `known`: the same file was uploaded before and keeps its number. */
export interface RevisionDecision {
  readonly kind: 'new' | 'known';
  readonly revision: number;
}

/**
 * Decides which revision number an upload gets: one more than the highest ever given, or, for a file that the snap
 * has already, the number it had. A number is never given twice.
 *
 * @throws PublisherError `upload-refused` when the file is of another snap
 */
export function decideRevision(
  registeredName: string,
  snap: UploadedSnap,
  sha3_384: string,
  known: readonly KnownRevision[],
): RevisionDecision {
  if (snap.name !== registeredName) {
    const sentence = `cannot take the file as a revision of ${registeredName}: its snap.yaml says "${snap.name}"`;
    throw new PublisherError('invalid', 'upload-refused', sentence);
  }
  const same = known.find((revision) => revision.sha3_384 === sha3_384);
  if (same) return { kind: 'known', revision: same.revision };
  return { kind: 'new', revision: Math.max(0, ...known.map((revision) => revision.revision)) + 1 };
}
