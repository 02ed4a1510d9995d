/** Clients of another store: the public one, or an authority of one's own. */
export type { StoreAdminFacts, UpstreamResource, UpstreamSnap } from './answers.ts';
export * from './assertion-fetcher.ts';
export type { UpstreamWatch } from './connection.ts';
export * from './download.ts';
export * from './errors.ts';
export { parseLogin } from './login-file.ts';
export * from './refusals.ts';
export * from './snap-channels.ts';
export * from './store-client.ts';
