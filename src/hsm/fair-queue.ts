/**
 * A bounded queue with one lane per key: lanes take turns, each lane keeps its order. So a brand that provisions a
 * factory does not hold up another brand's single device, and behind a token that signs once a second nobody starves.
 */
export class FairQueue<Item> {
  readonly #limit: number;
  /** Lanes in the order of their turns; a lane without items is not in the map. */
  readonly #lanes = new Map<string, Lane<Item>>();
  #size = 0;

  /** `limit` is how many items may wait in all lanes together. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts an item at the end of its lane; false when the queue is full. */
  add(lane: string, item: Item): boolean {
    if (this.#size >= this.#limit) return false;
    this.#lane(lane).items.push(item);
    this.#size++;
    return true;
  }

  /** Puts an item that was taken before back to the front of its lane; it had its place, so the limit does not apply. */
  putBack(lane: string, item: Item): void {
    const { items, head } = this.#lane(lane);
    items.splice(head, 0, item);
    this.#size++;
  }

  /** The first item of the lane whose turn it is, or nothing when the queue is empty. */
  take(): Item | undefined {
    for (const [name, lane] of this.#lanes) {
      const item = lane.items[lane.head];
      if (item === undefined) return undefined;
      lane.head++;
      this.#size--;
      this.#lanes.delete(name);
      if (lane.head < lane.items.length) this.#lanes.set(name, shortened(lane));
      return item;
    }
    return undefined;
  }

  /** Empties the queue and returns what waited, in the order in which it would have been taken. */
  drain(): Item[] {
    const all: Item[] = [];
    for (let item = this.take(); item !== undefined; item = this.take()) all.push(item);
    return all;
  }

  #lane(name: string): Lane<Item> {
    const known = this.#lanes.get(name);
    if (known) return known;
    const made: Lane<Item> = { items: [], head: 0 };
    this.#lanes.set(name, made);
    return made;
  }
}

/** `head` is the index of the first item that still waits: moving it is cheaper than shifting the array. */
interface Lane<Item> {
  items: Item[];
  head: number;
}

function shortened<Item>(lane: Lane<Item>): Lane<Item> {
  if (lane.head < 256) return lane;
  return { items: lane.items.slice(lane.head), head: 0 };
}
