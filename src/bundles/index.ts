export type { BundleHead } from './archive-checks.ts';
export * from './archive-reader.ts';
export * from './archive-writer.ts';
export { Digester, type DigestStream } from './digester.ts';
export * from './errors.ts';
export * from './file-identity.ts';
export { CachedWriting } from './cached-writing.ts';
export * from './hashing.ts';
export { InFlight } from './in-flight.ts';
export * from './inventory.ts';
export {
  MANIFEST_NAME,
  SIGNATURE_NAME,
  currentLayout,
  versionFor,
  type BundleLayout,
  type MemberRole,
} from './layouts.ts';
export * from './limits.ts';
export * from './manifest.ts';
export * from './metadata-file.ts';
export * from './names.ts';
export { otherSnap, readPair, type SnapPair } from './pair.ts';
export * from './signature.ts';
export { SlotRing } from './slot-ring.ts';
export { slotsOf, slotsOfCachedFile } from './slot-sources.ts';
export * from './unpack.ts';
