import { AirlockError } from '../../errors.ts';
import {
  ANY_ARCHITECTURE,
  channelName,
  parseChannel,
  shortChannelName,
  type Channel,
} from '../../snaps/index.ts';
import {
  changeOverrides,
  overrideRows,
  type Database,
  type OverrideChange,
  type OverrideRow,
} from '../../storage/index.ts';
import type { KnownSnap, SnapAccess, SnapSource } from './known-snap.ts';

/** One override as the documented commands and API show it (protocol/operators.md 1.5). */
export interface Override {
  readonly snapId: string | null;
  readonly snapName: string;
  /** Short name: stable, 2.0/edge. */
  readonly channel: string;
  readonly architecture: string;
  /** Null when it was just taken away. */
  readonly revision: number | null;
  /** What devices would get without it; null when that is nothing. */
  readonly upstreamRevision: number | null;
}

/** What an operator wants of a channel; a revision of null gives it back to the upstream. */
export interface OverrideWish {
  readonly snap: string;
  readonly channel: string;
  readonly revision: number | null;
  readonly access?: SnapAccess | undefined;
}

/** How long a list waits for what channels hold now; after that it shows what they held. */
const LIST_MS = 5_000;
const CHANGE_MS = 30_000;

/** What an operator gives devices in place of what a channel holds. */
export class OverrideBook {
  readonly #database: Database;
  readonly #source: SnapSource;
  readonly #clock: () => Date;

  constructor(deps: {
    readonly database: Database;
    readonly source: SnapSource;
    readonly clock: () => Date;
  }) {
    this.#database = deps.database;
    this.#source = deps.source;
    this.#clock = deps.clock;
  }

  /** The overrides of one snap or of all, each with what its channel holds now as far as that can be learnt. */
  async list(snap?: string): Promise<readonly Override[]> {
    const rows = await overrideRows(this.#database.queries, snap);
    const signal = AbortSignal.timeout(LIST_MS);
    const known = new Map<string, KnownSnap | undefined>();
    for (const name of new Set(rows.map((row) => row.snapName)))
      known.set(name, await this.#source.find(name, undefined, signal).catch(() => undefined));
    return rows.map((row) => shown(row, known.get(row.snapName)));
  }

  /**
   * Sets and takes away overrides, all of them or none. A revision says by itself which architectures it is for: overrides of
   * others in the same channel stay.
   * @returns one for each architecture that was changed
   * @throws AirlockError `snap-unknown`, `revision-unknown`; SnapError `channel-invalid`
   */
  async change(wishes: readonly OverrideWish[], actor: string): Promise<readonly Override[]> {
    const at = this.#clock();
    const made: { readonly change: OverrideChange; readonly overrides: readonly Override[] }[] = [];
    for (const wish of wishes) made.push(await this.#plan(wish, at));
    await changeOverrides(
      this.#database,
      made.map(({ change }) => change),
      { actor, at },
    );
    return made.flatMap(({ overrides }) => overrides);
  }

  async #plan(wish: OverrideWish, at: Date) {
    const { trackGiven: _given, ...channel } = parseChannel(wish.channel);
    const name = channelName(channel);
    const signal = AbortSignal.timeout(CHANGE_MS);
    if (wish.revision === null) return this.#removal(wish, channel, signal);
    const known = await this.#source.find(wish.snap, wish.access, signal);
    if (known === undefined) throw unknownSnap(wish.snap, this.#source.hint);
    const architectures = await known.architecturesOf(wish.revision);
    if (architectures.length === 0)
      throw new AirlockError(
        'not-found',
        'revision-unknown',
        `cannot override ${wish.snap} with revision ${wish.revision}: there is no such revision; ${this.#source.hint}`,
      );
    const held = known.held(channel);
    const rows = placesOf(architectures, held).map((architecture): OverrideRow => ({
      snapName: wish.snap,
      snapId: known.snapId,
      channel: name,
      architecture,
      revision: wish.revision ?? 0,
      upstreamRevision: heldFor(held, architecture),
      changedAt: at.toISOString(),
    }));
    return {
      change: { snapName: wish.snap, channel: name, rows },
      overrides: rows.map((row) => shown(row, known)),
    };
  }

  async #removal(wish: OverrideWish, channel: Channel, signal: AbortSignal) {
    const name = channelName(channel);
    const own = await overrideRows(this.#database.queries, wish.snap);
    const rows = own.filter((row) => row.channel === name);
    // That the upstream does not answer must not keep an operator from giving the channel back.
    const known = await this.#source.find(wish.snap, wish.access, signal).catch((error: unknown) => {
      if (rows.length === 0) throw error;
      return undefined;
    });
    if (known === undefined && own.length === 0) throw unknownSnap(wish.snap, this.#source.hint);
    const place = { snapId: known?.snapId ?? null, snapName: wish.snap, channel: shortChannelName(channel) };
    const overrides =
      rows.length > 0
        ? rows.map((row) => ({ ...shown(row, known), revision: null }))
        : [...(known?.held(channel) ?? [])].map(([architecture, upstreamRevision]) => ({
            ...place,
            architecture,
            revision: null,
            upstreamRevision,
          }));
    return { change: { snapName: wish.snap, channel: name, rows: undefined }, overrides };
  }
}

function shown(row: OverrideRow, known: KnownSnap | undefined): Override {
  const { trackGiven: _given, ...channel } = parseChannel(row.channel);
  const { snapName, architecture, revision } = row;
  return {
    snapId: row.snapId ?? known?.snapId ?? null,
    snapName,
    channel: shortChannelName(channel),
    architecture,
    revision,
    upstreamRevision: known === undefined ? row.upstreamRevision : heldFor(known.held(channel), architecture),
  };
}

/** A revision for all architectures has its place in each that the channel has. */
function placesOf(architectures: readonly string[], held: ReadonlyMap<string, number>): readonly string[] {
  if (!architectures.includes(ANY_ARCHITECTURE)) return architectures.toSorted();
  return held.size === 0 || held.has(ANY_ARCHITECTURE) ? [ANY_ARCHITECTURE] : [...held.keys()].toSorted();
}

function heldFor(held: ReadonlyMap<string, number>, architecture: string): number | null {
  return held.get(architecture) ?? held.get(ANY_ARCHITECTURE) ?? null;
}

function unknownSnap(name: string, hint: string): AirlockError {
  return new AirlockError(
    'not-found',
    'snap-unknown',
    `cannot override ${name.slice(0, 80)}: it is not there; ${hint}`,
  );
}
