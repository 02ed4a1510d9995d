import type { Database } from '../../src/storage/index.ts';

/** A host whose next transaction does all its work and then stays open until it is told to commit. */
export function heldTransaction(database: Database) {
  const decided = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  let first = true;
  const host: Database = {
    ...database,
    transaction: (work) =>
      database.transaction(async (queries) => {
        const result = await work(queries);
        if (first) {
          first = false;
          decided.resolve();
          await commit.promise;
        }
        return result;
      }),
  };
  return { host, decided: decided.promise, commit: () => commit.resolve() };
}
