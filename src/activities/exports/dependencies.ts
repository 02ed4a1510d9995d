import { GENERAL_STORE } from '../../brands/index.ts';
import {
  NEEDS_CHANNEL,
  NEEDS_MAX,
  missedFor,
  needsOf,
  parseSnapYaml,
  type SnapNeed,
} from '../../snaps/index.ts';
import type { Queries } from '../../storage/index.ts';
import type { SnapMaterial } from './archive.ts';
import type { BasisScope } from './basis.ts';
import { snapMaterial, type CatalogParts } from './catalog.ts';

/** What may come along with an export. */
export interface DependencyWish {
  readonly architectures: readonly string[];
  /** Snaps that the command named: they come as it said. */
  readonly named: ReadonlySet<string>;
  /** Ids of the snaps that may come with a snap of a store, besides the general store's public ones. */
  readonly seenIn: (store: string) => Promise<ReadonlySet<string>>;
  /** The store that the devices are of, where it is known. */
  readonly devicesOf: string | null;
}

/** An export's snaps with what came along. */
export interface WithDependencies {
  readonly snaps: readonly SnapMaterial[];
  /** Names of those that came because others need them. */
  readonly dependencies: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Adds what snaps need and what that needs in turn, each from the channel that devices take it from. Private snaps come only
 * where devices of the needing snap's store see them: a name in a snap.yaml opens nobody's store.
 * @throws ExportError as {@link snapMaterial}
 */
export async function withDependencies(
  parts: CatalogParts,
  snaps: readonly SnapMaterial[],
  wish: DependencyWish,
): Promise<WithDependencies> {
  const held = new Map(snaps.map((material) => [material.snap.name, material]));
  const brought = new Set<string>();
  const warnings = new Set<string>();
  const settled = new Set(wish.named);
  const queue = [...snaps];
  for (const material of queue)
    for (const { need } of await needsOfRevisions(parts.queries, material)) {
      const { name } = need;
      const before = held.get(name)?.snap.channels ?? [];
      if (settled.has(name) || before.some(({ channel }) => channel === NEEDS_CHANNEL)) continue;
      if (brought.size >= NEEDS_MAX) {
        warnings.add(tooManyWarning());
        continue;
      }
      const wanted = await carriable(parts.queries, name, await wish.seenIn(material.snap.store));
      if (wanted === undefined) continue;
      settled.add(name);
      const channels = [...before.map(({ channel }) => channel), NEEDS_CHANNEL];
      const selection = { channels, architectures: wish.architectures };
      const found = await snapMaterial(parts, wanted.snapId, selection, true);
      if (!found?.snap.channels.some(({ channel }) => channel === NEEDS_CHANNEL)) continue;
      held.set(name, found);
      brought.add(name);
      queue.push(found);
      if (wish.devicesOf !== null && !(await wish.seenIn(wish.devicesOf)).has(wanted.snapId))
        warnings.add(unseenWarning(name, wish.devicesOf));
    }
  return { snaps: [...held.values()], dependencies: [...brought].toSorted(), warnings: [...warnings] };
}

/** Says that devices of a store will not see a snap, though it comes along. */
export function unseenWarning(name: string, store: string): string {
  return `${name} comes along, and store ${store} does not include it: its devices see it only once the store does`;
}

/** Says why some of what is needed stays behind; the rest of the warnings name it. */
export function tooManyWarning(): string {
  return `no more than ${NEEDS_MAX} snaps come along because others need them`;
}

/** Channels of an export, with the one that dependencies come from: what it rests on counts there as well. */
export function scopeWithDependencies(scope: BasisScope): BasisScope {
  const { channels, architectures } = scope;
  return { channels: channels.length === 0 ? [] : [...channels, NEEDS_CHANNEL], architectures };
}

/**
 * What devices will miss: bases, the snapd snap and default providers that the archive does not hold for their architecture.
 * @param there names of snaps that are where the archive goes to
 */
export async function closureWarnings(
  queries: Queries,
  snaps: readonly SnapMaterial[],
  there: ReadonlySet<string> = new Set(),
): Promise<readonly string[]> {
  const held = new Map(snaps.map((material) => [material.snap.name, architecturesOf(material)]));
  const warnings = new Set<string>();
  for (const material of snaps)
    for (const { revision, need } of await needsOfRevisions(queries, material)) {
      const missed = missedFor(architecturesOf(material, revision), held.get(need.name));
      if (missed !== undefined && !there.has(need.name))
        warnings.add(
          `${material.snap.name} revision ${revision} needs ${need.name} (${need.why}), which the archive does not hold${missed}`,
        );
    }
  return [...warnings];
}

/** Who is offered a snap, or one revision of it; where no channel has that, who could run it. */
function architecturesOf({ snap, revisions }: SnapMaterial, only?: number): readonly string[] {
  const isMeant = (one: number | null) => one !== null && (only === undefined || one === only);
  const offered = snap.channels.filter(({ revision }) => isMeant(revision));
  if (offered.length > 0) return offered.map(({ architecture }) => architecture);
  return revisions
    .filter(({ revision }) => isMeant(revision.revision))
    .flatMap(({ revision }) => revision.architectures);
}

/** What each exported revision of a snap needs. */
async function needsOfRevisions(
  queries: Queries,
  { snap, revisions }: SnapMaterial,
): Promise<readonly { readonly revision: number; readonly need: SnapNeed }[]> {
  const found: { revision: number; need: SnapNeed }[] = [];
  for (const { revision: one } of revisions) {
    const row = await queries
      .selectFrom('SnapRevision')
      .select('snapYaml')
      .where('snapId', '=', snap.snapId)
      .where('revision', '=', one.revision)
      .executeTakeFirst();
    if (row === undefined) continue;
    for (const need of needsOf(parseSnapYaml(row.snapYaml))) found.push({ revision: one.revision, need });
  }
  return found;
}

/** A snap of that name that may come: one that is seen, or a public one of the general store. */
async function carriable(queries: Queries, name: string, seen: ReadonlySet<string>) {
  const row = await queries
    .selectFrom('Snap')
    .select(['snapId', 'storeId', 'private'])
    .where('name', '=', name)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return seen.has(row.snapId) || (row.storeId === GENERAL_STORE && !row.private) ? row : undefined;
}
