/** Every workflow, and nothing else: each function exported here can be started by its name. */
export * from './authority.ts';
export * from './imports.ts';
export * from './provision-serials.ts';
export * from './publish-upload.ts';
export * from './scope-store.ts';
