const MiB = 2 ** 20;
const GiB = 2 ** 30;

/** What the archive reader lets in; every figure is checked before the bytes that it concerns are kept. */
export interface BundleLimits {
  /** Files in one archive, manifest and signature included. */
  readonly members: number;
  /** Bytes of one snap file. */
  readonly snapBytes: number;
  /** Bytes of one file of assertions that belong to no snap, and of `manifest.jws`. */
  readonly assertionBytes: number;
  /** Bytes of the assertions of one revision: those of 50 are in memory at once while they are verified. */
  readonly snapAssertionBytes: number;
  /** Bytes of all files of assertions together that belong to no snap: they are in memory at once while they are verified. */
  readonly sharedAssertionBytes: number;
  /** Bytes of `manifest.json`. */
  readonly manifestBytes: number;
  /** Bytes of all members together. */
  readonly totalBytes: number;
  /** Bytes that may follow the last member: the end marker and the padding that tar programs add. */
  readonly trailingBytes: number;
}

/** Generous for a brand store with thousands of snaps, small enough that a hostile archive ends early. */
export const DEFAULT_LIMITS: BundleLimits = {
  members: 50_000,
  snapBytes: 64 * GiB,
  assertionBytes: 16 * MiB,
  snapAssertionBytes: 2 * MiB,
  sharedAssertionBytes: 64 * MiB,
  manifestBytes: 64 * MiB,
  totalBytes: 2048 * GiB,
  trailingBytes: MiB,
};
