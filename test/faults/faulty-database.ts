import type { KyselyPlugin } from 'kysely';
import type { Database, Queries } from '../../src/storage/index.ts';
import { InjectedFault } from './faulty.ts';

/** A transaction that breaks in the middle does so at one of its first queries, of which there are at least so many. */
const MIDDLE = 6;

/**
 * The same database with one call in so many failing: a query outside of transactions when it was done, a transaction before it
 * begins, at one of its queries, or when it is committed.
 */
export function faultyDatabase(
  database: Database,
  rate: number,
  chance: () => number,
): Pick<Database, 'kind' | 'queries' | 'transaction'> {
  return {
    kind: database.kind,
    queries: database.queries.withPlugin(faultyQueries(rate, chance)),
    async transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
      const draw = chance();
      if (draw < rate / 3) throw new InjectedFault('before', 'transaction');
      const breaks = draw < (rate * 2) / 3;
      const at = 1 + Math.floor(chance() * MIDDLE);
      const result = await database.transaction((queries) =>
        work(breaks ? queries.withPlugin(breakingAt(at)) : queries),
      );
      if (!breaks && draw < rate) throw new InjectedFault('after', 'transaction');
      return result;
    },
  };
}

/** Fails when the answer is there: for reads that is as good as before, and some are put together long before they are asked. */
function faultyQueries(rate: number, chance: () => number): KyselyPlugin {
  return {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if (chance() < rate) throw new InjectedFault('after', 'query');
      return result;
    },
  };
}

function breakingAt(at: number): KyselyPlugin {
  let left = at;
  return {
    transformQuery({ node }) {
      left -= 1;
      if (left === 0) throw new InjectedFault('before', 'query of a transaction');
      return node;
    },
    transformResult: async ({ result }) => result,
  };
}
