import type { Queries } from '../../storage/index.ts';

/** The counters that tell whether what is held in memory still holds (src/storage/generations.ts). */
export interface Generations {
  readonly catalog: number;
  readonly revocations: number;
  readonly settings: number;
}

/**
 * Reads the counters for every request, so that an import or a block counts from the next request on, in every process.
 * All requests that arrive in one turn of the event loop share one reading, which keeps this cheap under load.
 */
export class Freshness {
  readonly #read: () => Promise<Generations>;
  #gathering: Promise<Generations> | undefined;

  constructor(queries: Queries) {
    // Compiled once: this runs with almost every request.
    const query = queries.selectFrom('Generation').select(['name', 'value']).compile();
    this.#read = async () => {
      const values = new Map((await queries.executeQuery(query)).rows.map((row) => [row.name, row.value]));
      return {
        catalog: values.get('catalog') ?? 0,
        revocations: values.get('revocations') ?? 0,
        settings: values.get('settings') ?? 0,
      };
    };
  }

  /** A reading that began after this call. */
  now(): Promise<Generations> {
    this.#gathering ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#gathering = undefined;
        this.#read().then(resolve, reject);
      });
    });
    return this.#gathering;
  }
}
