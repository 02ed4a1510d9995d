import type { Tracing } from '../telemetry/index.ts';
import type { Database } from './database.ts';

/** The same database, each transaction of which is a span that says how long it waited for its turn; itself where nobody collects traces. */
export function tracedDatabase(database: Database, tracing: Tracing): Database {
  if (!tracing.on) return database;
  return {
    ...database,
    transaction: (work) =>
      tracing.span('transaction', (span) => {
        const asked = performance.now();
        return database.transaction((queries) => {
          span.say({ 'airlock.transaction.waited_ms': performance.now() - asked });
          return work(queries);
        });
      }),
  };
}
