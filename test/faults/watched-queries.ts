import type { Database } from '../../src/storage/index.ts';

/**
 * The queries of a connection that are under way, outside of transactions, from now on. The embedded engine answers in the same turn
 * of the event loop; PostgreSQL is another process.
 */
export function watchQueries({ queries }: Pick<Database, 'queries'>): ReadonlySet<Promise<unknown>> {
  const underWay = new Set<Promise<unknown>>();
  const executor = queries.getExecutor();
  const execute = executor.executeQuery.bind(executor);
  executor.executeQuery = async (query, options) => {
    const answer = execute(query, options);
    underWay.add(answer);
    try {
      return await answer;
    } finally {
      underWay.delete(answer);
    }
  };
  return underWay;
}
