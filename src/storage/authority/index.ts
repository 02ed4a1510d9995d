/** Rows of an authority: accounts, stores, snaps, uploads, tokens. Rules are those of src/publishers. */
export * from './account-keys.ts';
export * from './accounts.ts';
export * from './builds.ts';
export * from './identity.ts';
export * from './releases.ts';
export * from './revisions.ts';
export * from './snaps.ts';
export * from './stores.ts';
export * from './tokens.ts';
export * from './uploads.ts';
