import { p } from '@mikro-orm/core';

/** A moment as `Date.toISOString()` writes it: 24 characters, UTC, so that text order is time order in every database. */
export const moment = () => p.string().length(24);

/** SHA3-384 in lower-case hex, 96 characters: the address of a blob. */
export const blobDigest = () => p.string().length(96);

/** SHA3-384 in base64url without padding, 64 characters: a key id, or a digest as assertions write it. */
export const keyDigest = () => p.string().length(64);

/** Account, store, brand or snap ids; at most 64 characters in every rule we have. */
export const shortId = () => p.string().length(64);

/** Names that people type: snaps, models, keys, tracks, branches. */
export const name = () => p.string().length(128);
