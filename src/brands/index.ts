export * from './assertion-access.ts';
export * from './errors.ts';
export * from './store.ts';
export * from './sub-stores.ts';
export * from './visibility.ts';
