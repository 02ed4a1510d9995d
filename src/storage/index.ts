export * from './assertion-store.ts';
export * from './audit-log.ts';
export * from './blob-store.ts';
export * from './database.ts';
export * from './generations.ts';
export * from './last-backup.ts';
export * from './setting-store.ts';
export * from './sweeps.ts';
