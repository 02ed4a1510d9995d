import {
  cataloguedBlobs,
  newestUndoBlobs,
  parseBlobDigest,
  undoBlobs,
  type KeptForUndo,
  type Queries,
} from '../../../storage/index.ts';
import type { RemovedPast } from '../../../workflows/import-contract.ts';
import { STANDING } from './roll-back.ts';
import { unpairedComponents, type Doomed } from './taken-rows.ts';
import { undoSchema, type Undo } from './undo.ts';

/**
 * Which imports and removals need what a prune takes away: those that closed a channel which held one of the revisions,
 * those that let a revision go with another component than one that goes too, and removals whose files are kept; and with
 * each all that are older, because they are undone after it.
 */
export async function endedBy(queries: Queries, doomed: readonly Doomed[]): Promise<RemovedPast | null> {
  const upToId = Math.max((await newestUndoBlobs(queries)) ?? 0, await newestNeeding(queries, doomed));
  if (upToId === 0) return null;
  const row = await queries
    .selectFrom('ImportRecord')
    .select((eb) => eb.fn.countAll().as('acts'))
    .where('id', '<=', upToId)
    .where('outcome', 'in', STANDING)
    .where('undo', 'is not', null)
    .executeTakeFirst();
  const kept = await undoBlobs(queries, upToId);
  const elsewhere = await cataloguedBlobs(
    queries,
    kept.map(({ digest }) => parseBlobDigest(digest)),
  );
  const gone = new Map<string, KeptForUndo>();
  for (const blob of kept) if (!elsewhere.has(parseBlobDigest(blob.digest))) gone.set(blob.digest, blob);
  const items = [...gone.values()].map(({ subject, size }) => ({ subject, bytes: size }));
  return { upToId, acts: Number(row?.acts ?? 0), items };
}

/**
 * The newest act whose undoing would put one of the revisions into a channel again, or would let a revision go with a component
 * again that goes with the revisions; 0 when there is none.
 */
async function newestNeeding(queries: Queries, doomed: readonly Doomed[]): Promise<number> {
  const held = new Set<number>();
  for (const { snapId, revision } of doomed) {
    const releases = await queries
      .selectFrom('ChannelRelease')
      .select('id')
      .where('snapId', '=', snapId)
      .where('revision', '=', revision)
      .execute();
    for (const { id } of releases) held.add(id);
  }
  const components = await componentsOf(queries, doomed);
  if (held.size === 0 && components.size === 0) return 0;
  const records = await queries
    .selectFrom('ImportRecord')
    .select('id')
    .where('outcome', 'in', STANDING)
    .where('undo', 'is not', null)
    .orderBy('id', 'desc')
    .execute();
  // One at a time: what a large import keeps of itself may be megabytes.
  for (const { id } of records) {
    const { undo } = await queries
      .selectFrom('ImportRecord')
      .select('undo')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (undo === null) continue;
    const { releasesEnded, pairsBefore } = undoSchema.parse(undo);
    if (releasesEnded.some((release) => held.has(release))) return id;
    if (await nameOneOf(queries, components, pairsBefore)) return id;
  }
  return 0;
}

/** Components, by snap, name and revision, that go when these revisions go. */
async function componentsOf(queries: Queries, doomed: readonly Doomed[]): Promise<ReadonlySet<string>> {
  const components = new Set<string>();
  for (const [snapId, revisions] of Map.groupBy(doomed, (one) => one.snapId)) {
    const numbers = revisions.map(({ revision }) => revision);
    for (const { name, revision } of await unpairedComponents(queries, snapId, numbers))
      components.add(`${snapId} ${name} ${revision}`);
  }
  return components;
}

async function nameOneOf(
  queries: Queries,
  components: ReadonlySet<string>,
  pairs: Undo['pairsBefore'],
): Promise<boolean> {
  if (components.size === 0) return false;
  for (const { id, resourceRevision } of pairs) {
    const pair = await queries
      .selectFrom('SnapResourcePair')
      .select(['snapId', 'resourceName'])
      .where('id', '=', id)
      .executeTakeFirst();
    if (pair !== undefined && components.has(`${pair.snapId} ${pair.resourceName} ${resourceRevision}`))
      return true;
  }
  return false;
}
