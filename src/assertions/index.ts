/** The assertion language: text codec, types and their rules, keys and signatures, chains of trust. Pure. */
export { refKey, refWords, type Assertion, type AssertionRef, type AssertionSource } from './assertion.ts';
export { decodeAssertion } from './decode.ts';
export { digestToBase64Url, hexToSnapSha3, sha3Of, snapSha3ToHex } from './digests.ts';
export { AssertionError, type AssertionErrorCode } from './errors.ts';
export {
  isList,
  list,
  optionalText,
  text,
  textList,
  type HeaderMap,
  type Headers,
  type HeaderValue,
} from './header-values.ts';
export { formatTimestamp } from './instants.ts';
export {
  boundHeaders,
  checkConstraints,
  isSameBounds,
  isWithinBounds,
  keyBounds,
  type KeyBounds,
} from './key-bounds.ts';
export { MAX_BODY_BYTES, MAX_HEADERS_BYTES, MAX_SIGNATURE_BYTES } from './limits.ts';
export { DEFAULT_PROVENANCE, SERIES } from './name-patterns.ts';
export { decodePublicKey, PublicKey, publicKeyFromJwk, publicKeyFromRsa } from './public-key.ts';
export { publicRoot } from './public-root.ts';
export { verifySignature } from './signatures.ts';
export { signAssertion, softwareSigner, type AssertionDraft, type Signer } from './signing.ts';
export { ASSERTION_MEDIA_TYPE, decodeStream, encodeStream } from './stream.ts';
export { prerequisitesOf, supportsOf, verifyBatch, verifyChain } from './trust/chains.ts';
export { constraintsAllow, constraintsMayAllow, keyStanding, publicKeyOf } from './trust/key-validity.ts';
export { verifyKnownSignatures } from './trust/known-signatures.ts';
export {
  combinedSource,
  completePrimaryKey,
  newestRevision,
  sourceOf,
  suggestFormat,
} from './trust/revisions.ts';
export { deviceKeyOf, verifySelfSigned, verifySessionRequest } from './trust/self-signed.ts';
export type { TrustOptions } from './trust/verifier.ts';
export { ASSERTION_TYPE_NAMES, isAssertionTypeName, type AssertionTypeName } from './type-names.ts';
export { ASSERTION_TYPES, assertionType } from './type-registry.ts';
export { revisionAuthorities } from './types/declarations.ts';
