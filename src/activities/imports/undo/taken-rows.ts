import type { KeptForUndo, Queries } from '../../../storage/index.ts';
import type { Undo } from './undo.ts';
import { keptRow } from './removed-rows.ts';

/** A revision that is to go. */
export interface Doomed {
  readonly id: number;
  readonly snapId: string;
  readonly name: string;
  readonly revision: number;
  readonly sha3_384: string;
  readonly size: number;
}

/** Removes the rows of revisions, of what goes with them alone, and of deltas from or to them; gives the files that they named. */
export async function takeRevisions(
  queries: Queries,
  doomed: readonly Doomed[],
  { removed }: Undo,
): Promise<readonly KeptForUndo[]> {
  const files: KeptForUndo[] = [];
  for (const { id, snapId, name, revision, sha3_384: digest, size } of doomed) {
    files.push({ digest, size, subject: `${name} ${revision}` });
    const rows = await queries.selectFrom('SnapRevision').selectAll().where('id', '=', id).execute();
    removed.revisions.push(...rows.map(keptRow.revision));
    const pairs = await queries
      .selectFrom('SnapResourcePair')
      .selectAll()
      .where('snapId', '=', snapId)
      .where('snapRevision', '=', revision)
      .execute();
    removed.pairs.push(...pairs.map(keptRow.pair));
    const deltas = await deltasOf(queries, snapId, revision);
    removed.deltas.push(...deltas.map(keptRow.delta));
    for (const delta of deltas)
      if (delta.size > 0)
        files.push({
          digest: delta.sha3_384,
          size: delta.size,
          subject: `delta of ${name} from ${delta.sourceRevision} to ${delta.targetRevision}`,
        });
    await queries.deleteFrom('SnapRevision').where('id', '=', id).execute();
    for (const pair of pairs)
      await queries.deleteFrom('SnapResourcePair').where('id', '=', pair.id).execute();
    for (const delta of deltas) await queries.deleteFrom('Delta').where('id', '=', delta.id).execute();
  }
  const names = new Map(doomed.map(({ snapId, name }) => [snapId, name]));
  for (const [snapId, name] of names) files.push(...(await takeComponents(queries, snapId, name, removed)));
  return files;
}

/** The deltas from or to a revision. One of size 0 says that none pays, and names no file. */
export async function deltasOf(queries: Queries, snapId: string, revision: number) {
  return queries
    .selectFrom('Delta')
    .selectAll()
    .where('snapId', '=', snapId)
    .where((eb) => eb.or([eb('sourceRevision', '=', revision), eb('targetRevision', '=', revision)]))
    .execute();
}

/** Removes the components of a snap that go with none of its revisions any more. */
async function takeComponents(
  queries: Queries,
  snapId: string,
  snapName: string,
  removed: Undo['removed'],
): Promise<readonly KeptForUndo[]> {
  const files: KeptForUndo[] = [];
  for (const row of await unpairedComponents(queries, snapId, [])) {
    const { id, name, revision, sha3_384: digest, size } = row;
    removed.components.push(keptRow.component(row));
    await queries.deleteFrom('SnapResource').where('id', '=', id).execute();
    files.push({ digest, size, subject: `${snapName}+${name} ${revision}` });
  }
  return files;
}

/** The components of a snap that go with none of its revisions, were some of them not there. */
export async function unpairedComponents(queries: Queries, snapId: string, without: readonly number[]) {
  const gone = new Set(without);
  const pairs = await queries
    .selectFrom('SnapResourcePair')
    .select(['snapRevision', 'resourceName', 'resourceRevision'])
    .where('snapId', '=', snapId)
    .execute();
  const kept = new Set(
    pairs
      .filter(({ snapRevision }) => !gone.has(snapRevision))
      .map((pair) => `${pair.resourceName} ${pair.resourceRevision}`),
  );
  const present = await queries.selectFrom('SnapResource').selectAll().where('snapId', '=', snapId).execute();
  return present.filter(({ name, revision }) => !kept.has(`${name} ${revision}`));
}

/** Removes a snap whose revisions are gone, its channels of all times, and every assertion about it. */
export async function takeSnap(queries: Queries, snapId: string, { removed }: Undo): Promise<void> {
  const releases = await queries
    .selectFrom('ChannelRelease')
    .selectAll()
    .where('snapId', '=', snapId)
    .execute();
  removed.releases.push(...releases.map(keptRow.release));
  const assertions = await queries
    .selectFrom('StoredAssertion')
    .selectAll()
    .where('snapId', '=', snapId)
    .execute();
  removed.assertions.push(...assertions.map(keptRow.assertion));
  const snaps = await queries.selectFrom('Snap').selectAll().where('snapId', '=', snapId).execute();
  removed.snaps.push(...snaps.map(keptRow.snap));
  await queries.deleteFrom('ChannelRelease').where('snapId', '=', snapId).execute();
  await queries.deleteFrom('StoredAssertion').where('snapId', '=', snapId).execute();
  await queries.deleteFrom('Snap').where('snapId', '=', snapId).execute();
}

/** Ends what channels hold of these revisions. */
export async function closeChannels(
  queries: Queries,
  doomed: readonly Doomed[],
  undo: Undo,
  at: Date,
): Promise<void> {
  for (const { snapId, revision } of doomed) {
    const open = await queries
      .selectFrom('ChannelRelease')
      .select('id')
      .where('snapId', '=', snapId)
      .where('revision', '=', revision)
      .where('endedAt', 'is', null)
      .execute();
    for (const { id } of open) {
      await queries
        .updateTable('ChannelRelease')
        .set({ endedAt: at.toISOString() })
        .where('id', '=', id)
        .execute();
      undo.releasesEnded.push(id);
    }
  }
}
