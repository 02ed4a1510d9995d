import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { type Stores, visibility, type Viewer } from '../../brands/index.ts';
import { searchEntry } from '../../snaps/index.ts';
import { loadStores, type Queries } from '../../storage/index.ts';
import { loadSnaps } from './catalog-queries.ts';
import type { CatalogSnap, ListedSnap } from './catalog-snap.ts';

/** What the snaps in memory may take, in bytes. */
const WEIGHT_MAX = 96 * 1024 * 1024;
/** How many snaps are read at once when all are needed. */
const BATCH = 200;
/** After how many of them others have their turn. */
const TURN = 20;

/**
 * The snaps and stores of one generation of the database, read as they are asked for and kept while memory allows.
 * A change of what devices may see makes a new catalog; this one never changes.
 */
export class Catalog {
  readonly stores: Stores;
  readonly #queries: Queries;
  readonly #snaps = new LRUCache<string, CatalogSnap>({
    maxSize: WEIGHT_MAX,
    sizeCalculation: (snap) => snap.weight,
  });
  readonly #loading = new Map<string, Promise<CatalogSnap | undefined>>();
  readonly #idsByName = new LRUCache<string, string>({ max: 50_000 });
  #listed: Promise<readonly ListedSnap[]> | undefined;

  private constructor(queries: Queries, stores: Stores) {
    this.#queries = queries;
    this.stores = stores;
  }

  static async open(queries: Queries): Promise<Catalog> {
    return new Catalog(queries, await loadStores(queries));
  }

  /** The snap if it is in memory: the quick way, which needs no waiting. */
  held(snapId: string): CatalogSnap | undefined {
    return this.#snaps.get(snapId);
  }

  /** Brings snaps into memory, all that are missing with one set of queries, and returns those that exist. */
  async snaps(snapIds: Iterable<string>): Promise<Map<string, CatalogSnap>> {
    const found = new Map<string, CatalogSnap>();
    const awaited: Promise<CatalogSnap | undefined>[] = [];
    const missing: string[] = [];
    for (const id of new Set(snapIds)) {
      const snap = this.#snaps.get(id);
      const loading = this.#loading.get(id);
      if (snap !== undefined) found.set(id, snap);
      else if (loading !== undefined) awaited.push(loading);
      else missing.push(id);
    }
    if (missing.length > 0) awaited.push(...this.#load(missing));
    for (const snap of await Promise.all(awaited)) if (snap !== undefined) found.set(snap.snapId, snap);
    return found;
  }

  #load(ids: readonly string[]): Promise<CatalogSnap | undefined>[] {
    const batch = loadSnaps(this.#queries, ids);
    return ids.map((id) => {
      const one = batch
        .then((snaps) => {
          const snap = snaps.get(id);
          if (snap !== undefined) this.#snaps.set(id, snap);
          return snap;
        })
        .finally(() => this.#loading.delete(id));
      this.#loading.set(id, one);
      return one;
    });
  }

  /** The ids of named snaps; names that do not exist are left out. */
  async idsByName(names: Iterable<string>): Promise<Map<string, string>> {
    const ids = new Map<string, string>();
    const missing: string[] = [];
    for (const name of new Set(names)) {
      const id = this.#idsByName.get(name);
      if (id === undefined) missing.push(name);
      else ids.set(name, id);
    }
    if (missing.length > 0) {
      const rows = await this.#queries
        .selectFrom('Snap')
        .select(['snapId', 'name'])
        .where('name', 'in', missing)
        .execute();
      for (const { name, snapId } of rows) {
        ids.set(name, snapId);
        this.#idsByName.set(name, snapId);
      }
    }
    return ids;
  }

  /** The snap if it exists and the viewer may know of it. */
  async visibleSnap(viewer: Viewer, snapId: string): Promise<CatalogSnap | undefined> {
    const snap = this.held(snapId) ?? (await this.snaps([snapId])).get(snapId);
    return snap !== undefined && this.sees(viewer, snap) ? snap : undefined;
  }

  /** The snap of that name if it exists and the viewer may know of it. */
  async visibleSnapNamed(viewer: Viewer, name: string): Promise<CatalogSnap | undefined> {
    const id = (await this.idsByName([name])).get(name);
    return id === undefined ? undefined : this.visibleSnap(viewer, id);
  }

  /** The rule of src/brands, on this catalog's stores. */
  sees(
    viewer: Viewer,
    snap: { readonly snapId: string; readonly storeId: string; readonly private: boolean },
  ): boolean {
    return visibility(viewer, snap, this.stores);
  }

  /** Every snap that the viewer may know of, as searches see it, by name. */
  async listed(viewer: Viewer): Promise<ListedSnap[]> {
    this.#listed ??= this.#loadListed().catch((error: unknown) => {
      this.#listed = undefined;
      throw error;
    });
    return (await this.#listed).filter((snap) => this.sees(viewer, snap));
  }

  async #loadListed(): Promise<ListedSnap[]> {
    const rows = await this.#queries
      .selectFrom('Snap')
      .leftJoin('Account', 'Account.id', 'Snap.publisherId')
      .select(['Snap.snapId', 'Snap.name', 'Snap.storeId', 'Snap.private', 'Snap.title', 'Snap.summary'])
      .select(['Snap.description', 'Snap.categories', 'Account.username'])
      .orderBy('Snap.name')
      .execute();
    return rows.map((row) => ({
      ...searchEntry({ ...row, publisher: row.username ?? '' }),
      storeId: row.storeId,
      private: Boolean(row.private),
      categories: row.categories,
    }));
  }

  /**
   * The whole snaps of a list, some hundred at a time, in the order of the list. Others have their turn in between:
   * a list of ten thousand must not hold up everybody's small requests.
   */
  async *inBatches(listed: readonly ListedSnap[]): AsyncGenerator<CatalogSnap> {
    for (let i = 0; i < listed.length; i += BATCH) {
      const ids = listed.slice(i, i + BATCH).map((snap) => snap.snapId);
      const snaps = await this.snaps(ids);
      for (const [index, id] of ids.entries()) {
        const snap = snaps.get(id);
        if (snap !== undefined) yield snap;
        if (index % TURN === TURN - 1) await setImmediate();
      }
    }
  }
}
