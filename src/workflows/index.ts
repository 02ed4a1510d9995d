/** Every workflow, and nothing else: each function exported here can be started by its name. */
export * from './authority.ts';
export { backup } from './backup.ts';
export * from './blobs.ts';
export * from './deltas.ts';
export { exportForAccount } from './account-exports.ts';
export * from './export-store.ts';
export * from './fetches.ts';
export * from './imports.ts';
export { createSigningKey } from './create-signing-key.ts';
export { deleteSigningKey } from './delete-signing-key.ts';
export * from './provision-serials.ts';
export { registerSigningKey } from './register-signing-key.ts';
export { rotateSigningKey } from './rotate-signing-key.ts';
export * from './publish-upload.ts';
export * from './scope-store.ts';
export * from './sweeps.ts';
