import type { Database, Queries } from './database.ts';
import { raiseGeneration } from './generations.ts';

/** Seals secrets and opens them again; the name is bound to the sealed text. `SecretBox` of src/config is one. */
export interface Sealer {
  seal(name: string, secret: string): string;
  open(name: string, sealed: string): string;
}

/** Settings by key, secrets sealed. What keys there are, and what their values mean, is the rule of src/config. */
export class SettingStore {
  readonly #database: Database;
  readonly #sealer: Sealer;

  constructor(database: Database, sealer: Sealer) {
    this.#database = database;
    this.#sealer = sealer;
  }

  /** Every setting that was set, secrets opened. */
  async all(): Promise<Map<string, string>> {
    const rows = await this.#database.queries
      .selectFrom('Setting')
      .select(['key', 'value', 'sealed'])
      .execute();
    return new Map(rows.map((row) => [row.key, this.#open(row)]));
  }

  /** One setting, opened; undefined when it was never set. */
  async get(key: string): Promise<string | undefined> {
    const row = await this.#database.queries
      .selectFrom('Setting')
      .select(['key', 'value', 'sealed'])
      .where('key', '=', key)
      .executeTakeFirst();
    return row && this.#open(row);
  }

  /** Sets and unsets several at once; an undefined value unsets. */
  async change(
    changes: ReadonlyMap<string, { readonly value: string; readonly secret: boolean } | undefined>,
    at: Date,
  ): Promise<void> {
    await this.#database.transaction(async (queries) => {
      for (const [key, change] of changes) {
        if (change === undefined) await queries.deleteFrom('Setting').where('key', '=', key).execute();
        else await this.#put(queries, key, change, at);
      }
      await raiseGeneration(queries, 'settings');
    });
  }

  /** Sets a secret unless there is one; returns the one that holds afterwards. Two callers at once get the same. */
  async secretOnce(key: string, make: () => string, at: Date): Promise<string> {
    const present = await this.get(key);
    if (present !== undefined) return present;
    return this.#database.transaction(async (queries) => {
      await queries
        .insertInto('Setting')
        .values({ key, value: this.#sealer.seal(key, make()), sealed: true, changedAt: at.toISOString() })
        .onConflict((conflict) => conflict.column('key').doNothing())
        .execute();
      const row = await queries
        .selectFrom('Setting')
        .select(['key', 'value', 'sealed'])
        .where('key', '=', key)
        .executeTakeFirstOrThrow();
      return this.#open(row);
    });
  }

  /** Sets a secret that is set; one that was unset meanwhile stays unset. */
  async replaceSecret(key: string, value: string, at: Date): Promise<void> {
    await this.#database.transaction(async (queries) => {
      await queries
        .updateTable('Setting')
        .set({ value: this.#sealer.seal(key, value), sealed: true, changedAt: at.toISOString() })
        .where('key', '=', key)
        .execute();
      await raiseGeneration(queries, 'settings');
    });
  }

  async #put(
    queries: Queries,
    key: string,
    change: { readonly value: string; readonly secret: boolean },
    at: Date,
  ): Promise<void> {
    const row = {
      value: change.secret ? this.#sealer.seal(key, change.value) : change.value,
      sealed: change.secret,
      changedAt: at.toISOString(),
    };
    await queries
      .insertInto('Setting')
      .values({ key, ...row })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(row))
      .execute();
  }

  #open(row: { readonly key: string; readonly value: string; readonly sealed: boolean }): string {
    return row.sealed ? this.#sealer.open(row.key, row.value) : row.value;
  }
}
